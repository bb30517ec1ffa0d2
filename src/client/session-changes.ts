import { EMPTY_ANALYSIS, readAnalysis } from './analysis.ts'
import type { SessionChanges, SessionData } from './storage-service.ts'

/** The session after the changes. */
export function applyChanges(session: SessionData, changes: SessionChanges): SessionData {
  const { analysis, ...members } = withoutUndefined(changes)
  if (analysis === undefined) return { ...session, ...members }
  const merged = analysis && { ...session.analysis, ...analysis }
  return { ...session, ...members, analysis: readAnalysis(merged) }
}

/** A listed session after the changes, without the members that a list omits. */
export function listed(session: SessionData, changes: SessionChanges): SessionData {
  const { xmlContent, analysis, notes, ...shown } = applyChanges(session, changes)
  const score = changes.analysis === null ? null : changes.analysis?.scoreAccuracy
  return score === undefined ? shown : { ...shown, scoreAccuracy: score }
}

/** Changes with the same effect as `first` followed by `second`. */
export function mergeChanges(first: SessionChanges, second: SessionChanges): SessionChanges {
  const [earlier, later] = [withoutUndefined(first), withoutUndefined(second)]
  const merged = { ...earlier, ...later }
  if (!later.analysis) return merged
  // After a clear, the members that `second` does not name are null.
  const before = earlier.analysis === null ? EMPTY_ANALYSIS : earlier.analysis
  return { ...merged, analysis: { ...before, ...later.analysis } }
}

/** As JSON, which has no undefined members, also not in `analysis`. */
function withoutUndefined<T extends object>(given: T): T {
  return JSON.parse(JSON.stringify(given))
}
