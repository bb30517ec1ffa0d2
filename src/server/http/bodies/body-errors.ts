import { ApiError } from '../../errors.ts'

/** The error for a body that does not arrive in time. Its rest is not awaited (RFC 9110, section 15.5.9). */
export const bodyStalled = () =>
  new ApiError(
    'upload_stalled',
    'The body arrived too slowly, or nothing arrived for too long. Retry over a better connection.',
    { headers: { connection: 'close' } }
  )

/** The client has disconnected, in the middle of its body or while it waited. The error is for the log only. */
export const clientGone = (cause?: unknown) =>
  new ApiError('malformed_body', 'The client disconnected. Send the whole request again.', {
    cause,
    reason: 'client_gone'
  })
