import type { StorageError } from '@supabase/storage-js'
import { ApiError } from '../errors.ts'

/**
 * The code of an error response. The server sends HTTP 400 for nearly all; `statusCode` in the body tells
 * them apart.
 */
export const codeOf = (error: StorageError | null) => (error as { statusCode?: string } | null)?.statusCode

export const unavailable = (cause: unknown) =>
  new ApiError('storage_unavailable', 'Recording storage is unavailable. Retry shortly.', { cause })
