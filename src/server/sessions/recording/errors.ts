import { ApiError } from '../../errors.ts'

export const recordingExists = () =>
  new ApiError('recording_exists', 'The session already has a recording. Delete it first.')

export const recordingTooLarge = (bytes: number, maxBytes: number) =>
  new ApiError(
    'recording_too_large',
    `The recording has ${bytes} bytes, and at most ${maxBytes} are allowed.`
  )

export const uploadIncomplete = (detail: string) => new ApiError('upload_incomplete', detail)

/** The error when another request has written the same object meanwhile. */
export const sessionBusy = () =>
  new ApiError('session_busy', 'Another request is saving or deleting the session. Retry.')
