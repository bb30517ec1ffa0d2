import { ApiError, ConfigurationFault, misconfigured } from '../errors.ts'

/**
 * The code of an error response. The storage answers nearly every error with HTTP 400 and puts the real code
 * into `statusCode` of the body. For an unknown route that is a number; a proxy in front of it puts words
 * there, or none.
 */
export function codeOf(error: unknown): string | undefined {
  const { statusCode, status } = (error ?? {}) as { statusCode?: string | number; status?: number }
  const code = String(statusCode)
  if (/^\d{3}$/.test(code)) return code
  return status === undefined ? undefined : String(status)
}

/** Refusals that another attempt may pass: missing objects, conflicts, locks and rates. */
const TEMPORARY = ['404', '408', '409', '423', '425', '429']

/** Words of refusals about the key. The storage answers a missing or malformed key with 400. */
const ABOUT_KEY = /jw[st]\b|signature|api ?key|authorization|unauthorized/i

/**
 * The error for every failure of the storage that has no code of its own: `storage_unavailable`. It asks for
 * another attempt unless the storage refuses for good.
 */
export function toStorageError(cause: unknown): ApiError {
  const fault = findFault(cause)
  if (fault) return misconfigured('storage_unavailable', fault)
  return new ApiError('storage_unavailable', 'Recording storage is unavailable. Retry shortly.', { cause })
}

function findFault(cause: unknown): ConfigurationFault | undefined {
  const { originalError } = (cause ?? {}) as { originalError?: unknown }
  for (const error of [cause, originalError]) if (error instanceof ConfigurationFault) return error
  const code = codeOf(cause) ?? ''
  if (!/^4\d\d$/.test(code) || TEMPORARY.includes(code)) return undefined
  const { message } = cause as Error
  if (['401', '403'].includes(code) || ABOUT_KEY.test(message)) {
    return new ConfigurationFault(
      'key_refused',
      `The storage refuses SUPABASE_SERVICE_ROLE_KEY (${code}: ${message}): set it to a service key of this project`,
      { cause }
    )
  }
  return new ConfigurationFault(
    'storage_refused',
    `The storage refuses a request of this server (${code}: ${message}): ` +
      'compare its version and its settings with docs/running.md',
    { cause }
  )
}

/** The fault of a project URL behind which there is no storage API. */
export const wrongUrl = (answer: string, options?: ErrorOptions) =>
  new ConfigurationFault(
    'storage_url_wrong',
    `SUPABASE_URL does not lead to the storage of a project (${answer}): set it to the project URL that Supabase shows`,
    options
  )
