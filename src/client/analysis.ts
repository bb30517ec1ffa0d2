import type { Analysis } from './storage-service.ts'

/**
 * Reads an analysis that uses either our member names or those of the existing app, whose AI service writes
 * `performace_summary` (sic) and `coach-feedback`. Returns null when every member is missing, as the server
 * does.
 */
export function readAnalysis(value: unknown): Analysis | null {
  if (typeof value !== 'object' || value === null) return null
  const given = value as Record<string, unknown>
  const score = given['scoreAccuracy']
  const analysis = {
    summary: stringOrNull(given['summary'] ?? given['performace_summary']),
    feedback: stringOrNull(given['feedback'] ?? given['coach-feedback']),
    scoreAccuracy: typeof score === 'number' ? score : null
  }
  return Object.values(analysis).some((part) => part !== null) ? analysis : null
}

/** The analysis under the existing app's names. That app ignores `scoreAccuracy` and keeps it. */
export function writeAnalysis(analysis: Analysis | null) {
  return (
    analysis && {
      performace_summary: analysis.summary,
      'coach-feedback': analysis.feedback,
      scoreAccuracy: analysis.scoreAccuracy
    }
  )
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
