import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { TestIssuer } from '../../helpers/issuer.ts'
import type { Upload } from '../../../src/contract/recordings.ts'
import type { Model } from './model.ts'
import type { FuzzedRequest } from './requests.ts'
import { isPick, recording, type Picked } from './values.ts'

export type Fuzzed = { app: FastifyInstance; issuer: TestIssuer; models: [Model, Model] }
type Sent = FuzzedRequest & { url: string; sessionId: string }

const MAX_PARAMETER = 200

/**
 * Sends a request, and compares its answer with the API document (by `app`, see `checkAnswers`) and with the
 * model of its user.
 * @throws {Error} where the answer is wrong
 * @returns the status of the answer
 */
export async function sendFuzzed({ app, issuer, models }: Fuzzed, fuzzed: FuzzedRequest): Promise<number> {
  const model = models[fuzzed.user] as Model
  const values = (pick: Picked) => pickFrom(pick, fuzzed.user === 0 ? models : [models[1], models[0]])
  const sessionId = text(fill(fuzzed.id, values))
  const query = fill(fuzzed.query, values)
  const url = fuzzed.path.replace('{id}', encodeURIComponent(wellFormed(sessionId))) + search(query)
  const sent: Sent = { ...fuzzed, url, sessionId: sessionId.toLowerCase() }

  const answer = await app.inject({
    method: fuzzed.method as 'GET',
    url,
    headers: headersOf(sent, model, issuer),
    ...payloadOf(fuzzed, values)
  } as InjectOptions)
  if (answer.statusCode >= 500) throw new Error(`${fuzzed.method} ${url}: ${answer.body}`)
  // A parameter that is too long for the router is refused before the route, and its authentication, is known.
  const isRouted = encodeURIComponent(wellFormed(sessionId)).length <= MAX_PARAMETER
  if (fuzzed.isPrivate && fuzzed.token !== 'good' && isRouted && answer.statusCode !== 401) {
    throw new Error(`${fuzzed.method} ${url} without a good token is ${answer.statusCode}`)
  }
  if (fuzzed.token === 'good' || !fuzzed.isPrivate) await compare({ app, issuer, model }, sent, answer)
  return answer.statusCode
}

/** Requests by which each user's history is compared with the model. */
export async function compareAll({ app, issuer, models }: Fuzzed): Promise<void> {
  for (const model of models) {
    const headers = { authorization: `Bearer ${issuer.token(model.sub)}` }
    model.listed(await app.inject({ url: '/api/sessions', headers }))
    model.counted(await app.inject({ url: '/api/stats', headers }))
    for (const id of model.ids()) model.found(id, await app.inject({ url: `/api/sessions/${id}`, headers }))
  }
}

type Compared = Pick<Fuzzed, 'app' | 'issuer'> & { model: Model }

async function compare({ app, issuer, model }: Compared, sent: Sent, answer: LightMyRequestResponse) {
  const { statusCode, headers } = answer
  const { sessionId: id } = sent
  const isFine = statusCode < 300
  if (headers.etag) model.tags.set(id, headers.etag)
  const cursor = /cursor=([^&>]+)/.exec(String(headers.link))?.[1]
  if (cursor) model.cursors.push(decodeURIComponent(cursor))

  switch (`${sent.method} ${sent.path}`) {
    case 'POST /api/sessions':
      return isFine ? model.saved(answer) : undefined
    case 'POST /v0/api/sessions':
      if (!isFine) return
      return model.saved({ statusCode, body: await readOne(answer.json<{ id: string }>().id) })
    case 'PATCH /api/sessions/{id}':
    case 'POST /api/sessions/{id}/recording/complete':
      return isFine ? model.changed(id, answer) : undefined
    case 'GET /api/sessions/{id}':
      return isFine || statusCode === 404 ? model.found(id, answer) : undefined
    case 'DELETE /api/sessions/{id}':
    case 'DELETE /v0/api/sessions/{id}':
      return isFine || statusCode === 404 ? model.removed(id, answer) : undefined
    case 'DELETE /api/sessions/{id}/recording':
      return isFine ? model.lostRecording(id) : undefined
    case 'POST /api/sessions/{id}/recording':
      return isFine ? begun(model, sent, answer) : undefined
    case 'GET /api/sessions':
      return isFine && !/[?&](limit|cursor)=/.test(sent.url) ? model.listed(answer) : undefined
    case 'GET /api/stats':
    case 'GET /v0/api/stats':
      return isFine ? model.counted(answer) : undefined
    case 'DELETE /api/users/me':
      return isFine ? model.cleared() : undefined
  }

  async function readOne(id: string) {
    const headers = { authorization: `Bearer ${issuer.token(model.sub)}` }
    return (await app.inject({ url: `/api/sessions/${id}`, headers })).body
  }
}

async function begun(model: Model, { sessionId, sendsBytes }: Sent, answer: LightMyRequestResponse) {
  const { uploadId, url, contentType } = answer.json<Upload>()
  model.uploads.push({ id: sessionId, uploadId })
  if (!sendsBytes) return
  const response = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': contentType },
    body: new Uint8Array(recording)
  })
  await response.arrayBuffer()
}

/** A known value of this user, or at times of the other. */
function pickFrom({ pick, index }: Picked, [own, other]: readonly [Model, Model]): unknown {
  const model = index === 7 ? other : own
  if (pick === 'sub') return model.sub
  const known =
    pick === 'session'
      ? model.ids()
      : pick === 'upload'
        ? model.uploads.map((upload) => upload.uploadId)
        : model.cursors
  return known.at(-1 - index) ?? known[0] ?? '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10'
}

function fill(value: unknown, values: (pick: Picked) => unknown): unknown {
  if (isPick(value)) return values(value)
  if (Array.isArray(value)) return value.map((member) => fill(member, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, values)]))
}

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)) || 'x'
const wellFormed = (value: string) => value.replace(/\p{Cs}/gu, '\ufffd')

function search(query: unknown): string {
  if (typeof query !== 'object' || query === null) return ''
  const pairs = Object.entries(query).map(([name, value]) => [name, text(value)])
  return pairs.length ? `?${new URLSearchParams(pairs)}` : ''
}

function headersOf(
  { token, tag, sessionId, contentType, body, rawBody }: Sent,
  model: Model,
  issuer: TestIssuer
) {
  const tags = { none: {}, wrong: { 'if-match': '"wrong"' } } as Record<string, Record<string, string>>
  const hasBody = body !== undefined || rawBody !== undefined
  return {
    ...(token === 'good' && { authorization: `Bearer ${issuer.token(model.sub)}` }),
    ...(token === 'bad' && { authorization: `Bearer ${issuer.token(model.sub).slice(0, -9)}` }),
    ...(tags[tag] ?? { [tag]: model.tags.get(sessionId) ?? '*' }),
    ...(hasBody && contentType !== '' && { 'content-type': contentType })
  }
}

function payloadOf({ body, rawBody }: FuzzedRequest, values: (pick: Picked) => unknown) {
  if (rawBody !== undefined) return { payload: rawBody }
  return body === undefined ? {} : { payload: JSON.stringify(fill(body, values)) }
}
