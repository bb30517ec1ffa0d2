/**
 * A server for the same requests, written by hand with nothing that costs time: Fastify and pg, one prepared
 * statement a request, response schemas, remembered tokens. It has the request log, security headers and CORS
 * of a public server. It does not repeat saves, detect faults of a body, limit time or stream long lists.
 */
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import { createVerifier } from 'fast-jwt'
import fastify, { type FastifyRequest } from 'fastify'
import buildGetJwks from 'get-jwks'
import pg from 'pg'
import { floorStatements as sql, weekOf, type SessionRow, type StatsRow } from './floor-statements.ts'

const { HOST, PORT, DATABASE_URL, AUTH0_DOMAIN, AUTH0_AUDIENCE } = process.env as Record<string, string>

const pool = new pg.Pool({ connectionString: DATABASE_URL!, max: 10 })
const keys = buildGetJwks({ issuersWhitelist: [AUTH0_DOMAIN!] })
const verify = createVerifier({
  key: ({ header }: { header: Record<string, string> }) =>
    keys.getPublicKey({ kid: header['kid'], alg: header['alg'], domain: AUTH0_DOMAIN! }),
  algorithms: ['RS256'],
  allowedIss: AUTH0_DOMAIN!,
  allowedAud: AUTH0_AUDIENCE!,
  requiredClaims: ['iss', 'aud', 'exp', 'sub'],
  cache: 1000
})

const string = { type: 'string' }
const integer = { type: 'integer' }
const nullable = { type: ['string', 'null'] }
const date = { type: 'string', format: 'date-time' }
const score = { type: ['integer', 'null'] }
const object = (properties: Record<string, object>) => ({ type: 'object', properties })
const list = {
  type: 'array',
  items: object({
    id: string,
    song_name: string,
    instrument: string,
    date,
    duration_seconds: integer,
    audio_url: nullable,
    score_accuracy: score
  })
}
const session = object({
  id: string,
  date,
  songName: string,
  instrument: string,
  durationSeconds: integer,
  xmlContent: nullable,
  analysis: { ...object({ summary: nullable, feedback: nullable, scoreAccuracy: score }), nullable: true },
  audioUrl: nullable
})
const stats = object({
  weekly_progress: { type: 'array', items: object({ day: string, date: string, minutes: integer }) },
  streak: integer,
  total_minutes: integer
})
const newSession = {
  ...object({ songName: string, instrument: string, duration: integer, xmlContent: string }),
  required: ['songName', 'instrument', 'duration']
}

type Save = {
  songName: string
  instrument: string
  duration: number
  xmlContent?: string
  analysis?: { summary?: string; feedback?: string; scoreAccuracy?: number }
}

const app = fastify({ logger: true })
await app.register(helmet)
await app.register(cors, { origin: ['http://localhost:5173'] })

app.decorateRequest('sub', '')
declare module 'fastify' {
  interface FastifyRequest {
    sub: string
  }
}
app.addHook('onRequest', async (request: FastifyRequest, reply) => {
  try {
    request.sub = (await verify((request.headers.authorization ?? '').slice('Bearer '.length))).sub
  } catch {
    return reply.code(401).send({ error: 'Unauthorized' })
  }
})

const present = ({ summary, feedback, scoreAccuracy, ...row }: SessionRow) => ({
  ...row,
  analysis: (summary ?? feedback ?? scoreAccuracy) ? { summary, feedback, scoreAccuracy } : null
})

app.get('/api/sessions', { schema: { response: { 200: list } } }, async ({ sub }) => {
  return (await pool.query({ ...sql.list, values: [sub] })).rows
})

app.get<{ Params: { id: string } }>(
  '/api/sessions/:id',
  { schema: { response: { 200: session } } },
  async ({ sub, params }, reply) => {
    const { rows } = await pool.query<SessionRow>({ ...sql.session, values: [params.id, sub] })
    return rows[0] ? present(rows[0]) : reply.code(404).send({ error: 'Not found' })
  }
)

app.get('/api/stats', { schema: { response: { 200: stats } } }, async ({ sub }) => {
  const { rows } = await pool.query<StatsRow>({ ...sql.stats, values: [sub] })
  return weekOf(rows)
})

app.post<{ Body: Save }>(
  '/api/sessions',
  { schema: { body: newSession, response: { 201: session } } },
  async ({ sub, body }, reply) => {
    const { songName, instrument, duration, xmlContent = null, analysis: given = {} } = body
    const { summary = null, feedback = null, scoreAccuracy = null } = given
    const { rows } = await pool.query<SessionRow>({
      ...sql.save,
      values: [sub, songName, instrument, duration, xmlContent, summary, feedback, scoreAccuracy]
    })
    return reply.code(201).send(present(rows[0]!))
  }
)

await app.listen({ host: HOST!, port: Number(PORT) })
