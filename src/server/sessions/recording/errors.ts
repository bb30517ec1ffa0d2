import { ApiError } from '../../errors.ts'

/** The error for a second recording of one session. */
export const recordingExists = () =>
  new ApiError('recording_exists', 'The session already has a recording. Delete it first.')

/** The error for a recording of more than `maxBytes` bytes. */
export const recordingTooLarge = (bytes: number, maxBytes: number) =>
  new ApiError(
    'recording_too_large',
    `The recording has ${bytes} bytes, and at most ${maxBytes} are allowed. Record a shorter one.`
  )

/** Direct uploads that a user may have open. */
export const MAX_OPEN_UPLOADS = 10

/** The error for one open upload too many. */
export const tooManyUploads = () =>
  new ApiError(
    'quota_exceeded',
    `An account has up to ${MAX_OPEN_UPLOADS} open uploads. ` +
      'Complete one, or end it with DELETE /api/sessions/:id/recording.'
  )

/** The error for an upload that was not begun, or that another one has replaced. */
export const uploadNotFound = () =>
  new ApiError('upload_not_found', 'No open upload of the session has this uploadId. Begin a new one.')

/** The error for a completion before the whole recording has arrived. `detail` says what to do. */
export const uploadIncomplete = (detail: string) => new ApiError('upload_incomplete', detail)
