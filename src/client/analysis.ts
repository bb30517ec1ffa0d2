import type { Analysis } from './storage-service.ts'

export const EMPTY_ANALYSIS: Analysis = {
  summary: null,
  feedback: null,
  scoreAccuracy: null,
  markedXml: null
}

/**
 * Reads an analysis that uses either our member names or those of the existing app, whose AI service writes
 * `performace_summary` (sic), `coach-feedback` and `marked-up-musicxml`. Returns null when every member is
 * missing, as the server does.
 */
export function readAnalysis(value: unknown): Analysis | null {
  if (!value || typeof value !== 'object') return null
  const given = value as Record<string, unknown>
  const score = given['scoreAccuracy']
  const analysis = {
    summary: stringOrNull(given['summary'] ?? given['performace_summary']),
    feedback: stringOrNull(given['feedback'] ?? given['coach-feedback']),
    scoreAccuracy: typeof score === 'number' ? score : null,
    markedXml: stringOrNull(given['markedXml'] ?? (given['marked-up-musicxml'] || null))
  }
  return Object.values(analysis).some((part) => part !== null) ? analysis : null
}

/** The analysis under the existing app's names. That app ignores `scoreAccuracy` and keeps it. */
export function writeAnalysis(analysis: Analysis | null) {
  return (
    analysis && {
      performace_summary: analysis.summary,
      'coach-feedback': analysis.feedback,
      'marked-up-musicxml': analysis.markedXml ?? '', // never null: the existing app reads a string
      scoreAccuracy: analysis.scoreAccuracy
    }
  )
}

export function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
