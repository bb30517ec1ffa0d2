import { lazy, Suspense } from 'react'
import type { Analysis } from '@harmony-helper/client'

const MarkdownText = lazy(() => import('./markdown.tsx'))

/** The coach's feedback: accuracy, summary, and the feedback itself, which is Markdown. */
export function Feedback({ analysis: { scoreAccuracy, summary, feedback } }: { analysis: Analysis }) {
  if (scoreAccuracy === null && !summary && !feedback) return null
  return (
    <div className="feedback">
      {scoreAccuracy !== null && (
        <p className="accuracy">
          {scoreAccuracy}
          <span> % accurate</span>
        </p>
      )}
      {summary && (
        <p>
          <strong>{summary}</strong>
        </p>
      )}
      {feedback && (
        <div className="markdown">
          <Suspense fallback={<p>{feedback}</p>}>
            <MarkdownText text={feedback} />
          </Suspense>
        </div>
      )}
    </div>
  )
}
