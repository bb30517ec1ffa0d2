import { Type, type Static, type TSchema } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { NewSessionSchema, type NewSession } from '../../../contract/session-input.ts'
import { acceptEqualAnswerName } from '../../http/bodies/field-aliases.ts'
import type { Release } from '../../http/limits/fair-limiter.ts'
import { describeInvalid } from '../../http/problems/describe-invalid.ts'
import { parseInTurn } from '../../sessions/body/parse-in-turn.ts'
import type { ReceivedBody } from '../../sessions/body/receive-session-body.ts'

/** What `session.json` has besides the session: the other files of its folder. */
const FolderSchema = Type.Object({
  id: Type.String(),
  audioUrl: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  files: Type.Array(Type.Object({ path: Type.String(), bytes: Type.Integer(), sha256: Type.String() }), {
    maxItems: 3
  })
})

/** A session as its folder describes it. With an `audioUrl` it had a recording when it was exported. */
export type ArchivedSession = Static<typeof FolderSchema> & { session: NewSession }

/** Parses the `session.json` of one folder. Call the functions that it adds to `releases` once the session is saved. */
export type ParseSession = (text: ReceivedBody, releases: Release[]) => Promise<ArchivedSession>

/**
 * Makes a parser that accepts what `POST /api/sessions` accepts, and takes turns with it.
 * @returns it throws {ApiError} malformed_body; invalid_input; server_busy
 */
export function createSessionParser(app: FastifyInstance, request: FastifyRequest): ParseSession {
  function check<T extends TSchema>(schema: T, value: unknown): Static<T> {
    const validate = request.compileValidationSchema(schema as Record<string, unknown>)
    if (!validate(value)) throw describeInvalid((validate.errors ?? []) as FastifySchemaValidationError[])
    return value as Static<T>
  }

  return async (text, releases) => {
    const parsed = await parseInTurn(app, request, text, releases)
    const body = acceptEqualAnswerName(parsed, 'durationSeconds', 'duration')
    return { ...check(FolderSchema, body), session: check(NewSessionSchema, body) }
  }
}
