import type { ImportSummary } from '../../../contract/users.ts'
import { ApiError } from '../../errors.ts'
import { toApiError } from '../../http/problems/to-api-error.ts'

/** At most this many refusals are listed; `refused` counts all. */
const MAX_PROBLEMS = 100

/** The summary of an import that has not begun. */
export const newSummary = (): ImportSummary => ({
  imported: 0,
  already_there: 0,
  refused: 0,
  recordings_missing: 0,
  problems: []
})

/** @throws `thrown` if it is no refusal of this session alone */
export function refuse(summary: ImportSummary, id: string, thrown: unknown): void {
  const error = toApiError(thrown as Error & { code: string; name: string })
  const isRefusal = error.statusCode < 500 && error.code !== 'user_not_synced'
  if (!isRefusal && error.code !== 'session_busy') throw thrown
  summary.refused++
  if (summary.problems.length >= MAX_PROBLEMS) return
  const detail = error.code === 'body_too_large' ? 'The session has too much text.' : error.message
  summary.problems.push({ session_id: id, code: error.code, detail })
}

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
