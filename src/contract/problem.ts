import { Type, type Static } from '@sinclair/typebox'

/**
 * Every error of the API: its stable code, HTTP status and title. Clients branch on `code`. The OpenAPI
 * document lists them.
 */
export const problems = {
  invalid_input: [400, 'The request is not valid'],
  malformed_body: [400, 'The body cannot be read'],
  invalid_archive: [400, 'The archive cannot be imported'],
  missing_token: [401, 'An access token is required'],
  invalid_token: [401, 'The access token is not valid'],
  not_your_account: [403, 'The token belongs to another account'],
  blocked: [403, 'The account is blocked'],
  session_not_found: [404, 'The session does not exist'],
  upload_not_found: [404, 'The upload does not exist'],
  route_not_found: [404, 'The route does not exist'],
  method_not_allowed: [405, 'The method is not allowed for the route'],
  upload_stalled: [408, 'The request arrived too slowly'],
  recording_exists: [409, 'The session already has a recording'],
  upload_incomplete: [409, 'The recording is not uploaded'],
  user_not_synced: [409, 'The user is not synchronised'],
  id_reused: [409, 'The id is already used'],
  precondition_failed: [412, 'The session was changed meanwhile'],
  quota_exceeded: [409, 'The account is full'],
  body_too_large: [413, 'The body is too large'],
  recording_too_large: [413, 'The recording is too large'],
  unsupported_media_type: [415, 'The content type is not supported'],
  unsupported_recording: [415, 'The format of the recording is not supported'],
  too_many_requests: [429, 'Too many requests'],
  headers_too_large: [431, 'The headers are too large'],
  internal_error: [500, 'Internal error'],
  database_unavailable: [503, 'The database is unavailable'],
  issuer_unavailable: [503, 'The token issuer is unavailable'],
  server_busy: [503, 'The server is busy'],
  session_busy: [503, 'The session is being saved or deleted'],
  storage_unavailable: [503, 'The recording storage is unavailable']
} as const satisfies Record<string, readonly [status: number, title: string]>

/** The stable code of an error. */
export type ProblemCode = keyof typeof problems

/** RFC 9457 problem details, sent as `application/problem+json`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'A URI reference that identifies the problem type' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable code to branch on', enum: Object.keys(problems) }),
    detail: Type.String({ description: 'What to do about it, for people' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'JSON pointer into the body, or the name of the parameter' }),
          message: Type.String()
        }),
        { description: 'The invalid fields, for `invalid_input` only' }
      )
    )
  },
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457 problem details' }
)

export type Problem = Static<typeof ProblemSchema>
