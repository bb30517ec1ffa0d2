import type { StorageError } from '@supabase/storage-js'
import { ApiError } from '../errors.ts'

/**
 * The code of an error response. The server answers nearly every error with HTTP 400 and puts the real code
 * into `statusCode` of the body.
 */
export const codeOf = (error: StorageError | null) => (error as { statusCode?: string } | null)?.statusCode

/** The error for every failure of the storage that has no code of its own. */
export const unavailable = (cause: unknown) =>
  new ApiError('storage_unavailable', 'Recording storage is unavailable. Retry shortly.', { cause })
