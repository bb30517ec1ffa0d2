import type { ProblemCode } from '../../../contract/problem.ts'

/** One real `detail` of each error, for the API document and its page. A test finds each in the code that sends it. */
export const exampleDetails: Record<ProblemCode, string> = {
  invalid_input: 'songName is missing',
  malformed_body: 'Send a complete body of well-formed JSON as application/json.',
  invalid_archive: 'This is not a ZIP archive. Send the archive as it was exported.',
  missing_token: 'Send the header `Authorization: Bearer <access token>`.',
  invalid_token: 'The access token is expired. Get a new one.',
  not_your_account: 'auth0_id must be the `sub` of the access token.',
  blocked: 'This account is blocked. Contact the operator of this service.',
  session_not_found: 'You have no session with this id.',
  too_many_requests: 'Send at most 300 requests in 10 seconds. Continue in 4 s.',
  route_not_found: 'See /docs for the existing routes.',
  method_not_allowed: 'Use one of the methods GET, POST, OPTIONS.',
  upload_stalled:
    'The body arrived too slowly, or nothing arrived for too long. Retry over a better connection.',
  upload_not_found: 'No open upload of the session has this uploadId. Begin a new one.',
  recording_exists: 'The session already has a recording. Delete it first.',
  upload_incomplete: 'PUT the whole recording to the url of the upload, then complete it.',
  user_not_synced: 'Call POST /api/users/sync once, then save again.',
  id_reused: 'Another session has this id. Choose a new id.',
  quota_exceeded: 'An account holds up to 100000 sessions. Delete some first.',
  precondition_failed:
    'The session was changed since you read it. Read it again, then send your changes with its new ETag.',
  body_too_large: 'Send a smaller body. As base64, a recording is a third larger than its file.',
  recording_too_large:
    'The recording has 62914560 bytes, and at most 52428800 are allowed. Record a shorter one.',
  unsupported_media_type: 'Send the body as application/json.',
  unsupported_recording: 'The recording must be WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC.',
  headers_too_large: 'Send less than 16 KB of headers, cookies and query included.',
  internal_error: 'Internal error. Retry; if it persists, report the x-request-id.',
  database_unavailable: 'The practice history is unavailable. Retry shortly.',
  issuer_unavailable: 'The access token cannot be verified: its issuer is unavailable. Retry shortly.',
  server_busy: 'Many recordings are being saved at this moment. Retry shortly.',
  session_busy: 'Another request is saving or deleting the session. Retry.',
  storage_unavailable: 'Recording storage is unavailable. Retry shortly.'
}
