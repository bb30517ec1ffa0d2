import { useEffect, useState } from 'react'
import type { SessionData } from 'harmony-helper/client'
import { Player } from './player.tsx'
import { Score } from './score.tsx'
import { useJournal } from './services/journal.ts'

/** One session in full: player, feedback, score and downloads. */
export function SessionDetails({ id, onDelete }: { id: string; onDelete: () => void }) {
  const { service } = useJournal()
  const [session, setSession] = useState<SessionData | null>()
  const [problem, setProblem] = useState('')
  const [scoreShown, setScoreShown] = useState(false)
  const [attempt, setAttempt] = useState(1)

  useEffect(() => {
    const stop = new AbortController()
    setProblem('')
    service.getSessionById(id, stop).then(setSession, (error) => {
      if (!stop.signal.aborted) setProblem(error.message)
    })
    return () => stop.abort()
  }, [service, id, attempt])

  if (session === undefined) {
    return (
      <div className="details">
        <p role="status" className={problem ? 'problem' : 'hint'}>
          {problem || 'Loading…'}
        </p>
        {problem && (
          <div className="actions">
            <button type="button" onClick={() => setAttempt(attempt + 1)}>
              Try again
            </button>
          </div>
        )}
      </div>
    )
  }
  if (session === null) {
    return (
      <div className="details">
        <p role="status" className="hint">
          This session was deleted in another tab or on another device.
        </p>
      </div>
    )
  }

  const { songName, xmlContent, analysis } = session
  const recording = session.audio ?? session.audioUrl
  const renewUrl = async () => (await service.getSessionById(id))?.audioUrl
  return (
    <div className="details">
      {recording ? (
        <Player recording={recording} label={`Recording of ${songName}`} renewUrl={renewUrl} />
      ) : (
        <p className="hint">No recording.</p>
      )}
      {analysis && (
        <div className="feedback">
          {analysis.scoreAccuracy !== null && (
            <p className="accuracy">
              {analysis.scoreAccuracy}
              <span> % accurate</span>
            </p>
          )}
          {analysis.summary && (
            <p>
              <strong>{analysis.summary}</strong>
            </p>
          )}
          {analysis.feedback && <p>{analysis.feedback}</p>}
        </div>
      )}
      <div className="actions">
        {xmlContent && (
          <button type="button" aria-expanded={scoreShown} onClick={() => setScoreShown(!scoreShown)}>
            {scoreShown ? 'Hide score' : 'Show score'}
          </button>
        )}
        {xmlContent && (
          <button
            type="button"
            onClick={() =>
              download(
                new Blob([xmlContent], { type: 'application/vnd.recordare.musicxml+xml' }),
                `${songName}.musicxml`
              )
            }
          >
            Download score
          </button>
        )}
        {recording && (
          <button
            type="button"
            onClick={() =>
              fetchRecording(recording, renewUrl).then(
                (blob) => download(blob, `${songName}.${extension(blob)}`),
                () => setProblem('The recording cannot be downloaded right now. Try again later.')
              )
            }
          >
            Download recording
          </button>
        )}
        <button type="button" className="danger" onClick={onDelete}>
          Delete
        </button>
      </div>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {scoreShown && xmlContent && <Score xml={xmlContent} title={songName} />}
    </div>
  )
}

async function fetchRecording(
  recording: Blob | string,
  renewUrl: () => Promise<string | null | undefined>
): Promise<Blob> {
  if (typeof recording !== 'string') return recording
  const response = await fetch(recording)
  if (response.ok) return response.blob()
  const renewed = await fetch((await renewUrl()) ?? recording)
  if (!renewed.ok) throw new Error(`${renewed.status}`)
  return renewed.blob()
}

function extension({ type }: Blob): string {
  const [, subtype = 'webm'] = /^(?:audio|video)\/(?:x-)?(\w+)/.exec(type) ?? []
  return { mp4: 'm4a', mpeg: 'mp3' }[subtype] ?? subtype
}

function download(blob: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
