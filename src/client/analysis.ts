import type { Analysis } from './storage-service.ts'

/**
 * The analysis under our names, whether it comes under ours or under those of the existing app, whose AI service
 * says `performace_summary` (sic) and `coach-feedback`. One that says nothing is none, as on the server.
 */
export function readAnalysis(value: unknown): Analysis | null {
  if (typeof value !== 'object' || value === null) return null
  const given = value as Record<string, unknown>
  const score = given['scoreAccuracy']
  const analysis = {
    summary: text(given['summary'] ?? given['performace_summary']),
    feedback: text(given['feedback'] ?? given['coach-feedback']),
    scoreAccuracy: typeof score === 'number' ? score : null
  }
  return Object.values(analysis).some((part) => part !== null) ? analysis : null
}

/** The analysis as the existing app writes and reads it; the score it does not know, and leaves alone. */
export function writeAnalysis(analysis: Analysis | null) {
  return (
    analysis && {
      performace_summary: analysis.summary,
      'coach-feedback': analysis.feedback,
      scoreAccuracy: analysis.scoreAccuracy
    }
  )
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
