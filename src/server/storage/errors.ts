import type { StorageError } from '@supabase/storage-js'
import { ApiError } from '../errors.ts'

/** The code of a refusal. Nearly every error of the real server is HTTP 400; its code is the body's `statusCode`. */
export const codeOf = (error: StorageError | null) => (error as { statusCode?: string } | null)?.statusCode

export const unavailable = (cause: unknown) =>
  new ApiError(
    'storage_unavailable',
    'Recordings cannot be reached, saved or deleted now. Repeat the request soon; what is unfinished will be finished.',
    { cause }
  )
