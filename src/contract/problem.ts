import { Type, type Static } from '@sinclair/typebox'

/**
 * Every error the API can answer with: its stable code, HTTP status and title.
 * The OpenAPI document lists them; clients branch on `code`.
 */
export const problems = {
  invalid_input: [400, 'The request is not valid'],
  malformed_body: [400, 'The body cannot be read'],
  missing_token: [401, 'An access token is needed'],
  invalid_token: [401, 'The access token is not valid'],
  not_your_account: [403, 'The token belongs to another account'],
  session_not_found: [404, 'There is no such session'],
  route_not_found: [404, 'There is no such route'],
  upload_stalled: [408, 'The request came too slowly'],
  recording_exists: [409, 'The session has a recording'],
  upload_incomplete: [409, 'The recording has not arrived'],
  user_not_synced: [409, 'The user is not known yet'],
  id_reused: [409, 'The id is taken'],
  body_too_large: [413, 'The body is too large'],
  recording_too_large: [413, 'The recording is too large'],
  unsupported_media_type: [415, 'The content type is not supported'],
  unsupported_recording: [415, 'The recording is of an unknown kind'],
  headers_too_large: [431, 'The headers are too large'],
  internal_error: [500, 'Something went wrong'],
  database_unavailable: [503, 'The database cannot be reached'],
  issuer_unavailable: [503, 'The token issuer cannot be reached'],
  server_busy: [503, 'The server is busy'],
  session_busy: [503, 'The session is being saved or deleted'],
  storage_unavailable: [503, 'The recording storage cannot be reached']
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof problems

/** RFC 9457 problem details, sent as `application/problem+json`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'A URI reference that identifies the kind of problem' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; branch on this', enum: Object.keys(problems) }),
    detail: Type.String({ description: 'What to change, for a person' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'JSON pointer into the body, or the parameter' }),
          message: Type.String()
        }),
        { description: 'Invalid input only' }
      )
    )
  },
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457 problem details' }
)

export type Problem = Static<typeof ProblemSchema>
