import type { ImportSummary } from '../../../contract/users.ts'
import { ApiError } from '../../errors.ts'
import { toApiError } from '../../http/problems/to-api-error.ts'

/** At most this many refusals are listed; `refused` counts all. */
const MAX_PROBLEMS = 100

/** What became of a session. */
type Outcome = 'imported' | 'already_there' | 'refused'

export type Progress = ReturnType<typeof createProgress>

/**
 * Counts what becomes of the sessions of an import. A session whose files are not together is met several times and
 * counts once. For that, up to `maxSessions` ids are kept, which take about 70 bytes each; of further ones, each visit
 * counts. An account cannot hold more.
 */
export function createProgress(maxSessions: number) {
  const outcomes = new Map<string, Outcome>()
  const summary: ImportSummary = {
    imported: 0,
    already_there: 0,
    refused: 0,
    recordings_missing: 0,
    problems: []
  }

  /** @returns whether the outcome is a new one: a session that is stored stays so */
  function count(id: string, outcome: Outcome): boolean {
    const key = toKey(id)
    const before = outcomes.get(key)
    if (before === outcome || (before && before !== 'refused')) return false
    if (before) forgetRefusal(id)
    summary[outcome]++
    if (before || outcomes.size < maxSessions) outcomes.set(key, outcome)
    return true
  }

  function forgetRefusal(id: string): void {
    summary.refused--
    summary.problems = summary.problems.filter((problem) => problem.session_id !== id)
  }

  return {
    summary,

    /** Sessions that were met. */
    get sessions() {
      return summary.imported + summary.already_there + summary.refused
    },

    /** @param recordingIsMissing whether the recording was lost before the export */
    addImported(id: string, { recordingIsMissing }: { recordingIsMissing: boolean }): void {
      if (count(id, 'imported') && recordingIsMissing) summary.recordings_missing++
    },

    addKnown(id: string): void {
      count(id, 'already_there')
    },

    /** @throws `thrown` if it is no refusal of this session alone */
    addRefused(id: string, thrown: unknown): void {
      const error = toApiError(thrown as Error & { code: string; name: string })
      const isRefusal = error.statusCode < 500 && error.code !== 'user_not_synced'
      if (!isRefusal && error.code !== 'session_busy') throw thrown
      if (!count(id, 'refused') || summary.problems.length >= MAX_PROBLEMS) return
      const detail = error.code === 'body_too_large' ? 'The session has too much text.' : error.message
      summary.problems.push({ session_id: id, code: error.code, detail })
    }
  }
}

/** The 16 bytes of the id as a string: less than half the memory. */
const toKey = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1')

/** Tells what was done before an import failed. */
export function withProgress(thrown: unknown, { imported }: ImportSummary): unknown {
  const error = toApiError(thrown as Error & { code: string; name: string })
  if (imported === 0 || error.code === 'internal_error') return thrown
  const { code, message, headers, retryAfter } = error
  const detail =
    `${message} Sessions imported until then: ${imported}. They stay: send the whole archive again for the ` +
    'others.'
  return new ApiError(code, detail, {
    cause: thrown,
    headers,
    ...(retryAfter !== undefined && { retryAfter })
  })
}
