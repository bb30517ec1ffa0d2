import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { dailyPractice, faultOfRange } from '../../../src/contract/daily-practice.ts'
import {
  EARLIEST_YEAR,
  MAX_DURATION_SECONDS,
  MAX_HOURS_AHEAD,
  MAX_NAME_CHARACTERS,
  MAX_NOTES_CHARACTERS
} from '../../../src/contract/limits.ts'
import { localDay } from '../../../src/contract/local-day.ts'
import { practiceDays, summarise } from '../../../src/contract/practice-days.ts'
import { UNSTORABLE } from '../../../src/contract/text.ts'
import { createFakeTus, TUS_PATH } from './fake-tus.ts'

/**
 * A fake API that can fail on demand. The token of a request selects its account, which is created on first
 * use. An account is synced from the start unless its token begins with `new`.
 */
type Stored = {
  id: string
  date: string
  songName: string
  instrument: string
  durationSeconds: number
  xmlContent: string | null
  analysis: { scoreAccuracy: number | null } | null
  notes: string | null
  audio: string | null
  /** Digest of the first save of a session that was edited since. */
  savedAs?: string
  /** The recording was uploaded directly, so the API has no digest of it. */
  isDirect?: boolean
}
/** `uploads` by upload id. `arrived` has the bytes once they are in the storage. */
type Account = {
  synced: boolean
  sessions: Map<string, Stored>
  uploads: Map<string, { contentType: string; bytes: number; arrived?: Buffer }>
}
/**
 * Decides how a request fails: a response replaces the handler, `cut` closes the connection instead of
 * calling the handler, `lose` closes it after the handler. Undefined: no fault.
 */
export type Fault = (request: {
  method: string
  path: string
  token: string
  body: string
}) =>
  undefined | 'lose' | 'cut' | { status: number; body?: object | string; headers?: Record<string, string> }

export async function startFakeApi() {
  const accounts = new Map<string, Account>()
  const sockets = new Set<Socket>()
  const requests: { method: string; path: string; token: string; body: string; etag?: string }[] = []
  const tus = createFakeTus((uploadId, bytes) => {
    const upload = findUpload(uploadId)
    if (upload) upload.arrived = bytes
  })
  const api = {
    baseUrl: '',
    fault: (() => undefined) as Fault,
    requests,
    account,
    kill,
    start,
    port: 0,
    tus,
    /** How long tokens of uploads are valid. */
    tokenLifeMs: 3_600_000
  }
  let server = createServer()

  function account(token: string): Account {
    const known = accounts.get(token) ?? {
      synced: !token.startsWith('new'),
      sessions: new Map(),
      uploads: new Map()
    }
    accounts.set(token, known)
    return known
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    const seen = { method: request.method ?? '', path: request.url ?? '', token }
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
    response.setHeader('access-control-allow-headers', 'authorization, content-type, if-none-match')
    response.setHeader('access-control-expose-headers', 'retry-after, location, etag')
    if (seen.method === 'OPTIONS') {
      response.writeHead(204).end()
      return
    }
    const bytes = Buffer.concat(await request.toArray())
    const body = seen.path.startsWith('/storage/') ? '' : bytes.toString()
    const etag = request.headers['if-none-match']
    requests.push({ ...seen, body, ...(etag && { etag }) })
    const fault = api.fault({ ...seen, body })
    const answer = () => {
      if (seen.path.startsWith(TUS_PATH)) return tus.handle({ ...seen, headers: request.headers, bytes })
      return seen.method === 'PUT'
        ? receive(seen, request.headers['content-type'], bytes)
        : route(seen, body, account(token))
    }
    const outcome = typeof fault === 'object' || fault === 'cut' ? fault : answer()
    if (fault === 'lose' || outcome === 'cut') request.socket.destroy()
    else send(response, seen.method === 'GET' ? conditional(outcome, etag) : outcome)
  }

  function route(
    { method, path }: { method: string; path: string },
    body: string,
    mine: Account
  ): { status: number; body?: object; headers?: Record<string, string> } {
    const { pathname, searchParams } = new URL(path, 'http://x')
    const id = /^\/api\/sessions\/(.+)$/.exec(pathname)?.[1] ?? ''
    const audio = /^\/recordings\/(.+)\/(.+)$/.exec(pathname)
    if (audio) {
      return {
        status: 200,
        body: Buffer.from(account(audio[1] ?? '').sessions.get(audio[2] ?? '')?.audio ?? '', 'base64')
      }
    }
    if (pathname === '/api/users/sync') {
      mine.synced = true
      return { status: 201, body: {} }
    }
    if (pathname === '/api/stats') return { status: 200, body: stats(mine, searchParams.get('tz') ?? 'UTC') }
    if (pathname === '/api/stats/days') return days(mine, searchParams)
    if (pathname === '/api/sessions' && method === 'POST') return save(mine, JSON.parse(body))
    if (pathname === '/api/sessions') return { status: 200, body: list(mine) }
    const [sessionId = '', recording, complete] = id.split('/')
    const session = mine.sessions.get(sessionId)
    if (!id) return problem(404, 'route_not_found')
    if (!session) return problem(404, 'session_not_found')
    if (method === 'GET') return { status: 200, body: toData(mine, session) }
    if (method === 'PATCH') return edit(mine, session, JSON.parse(body))
    if (complete) return finish(mine, session, JSON.parse(body))
    if (recording) return begin(mine, session, JSON.parse(body))
    mine.sessions.delete(id)
    return { status: 204 }
  }

  function save(mine: Account, body: Body) {
    if (!mine.synced) return problem(409, 'user_not_synced')
    const {
      id = randomUUID(),
      songName = '',
      instrument = '',
      duration,
      xmlContent = null,
      analysis = null,
      notes = null,
      audioBase64 = null,
      date = new Date().toISOString()
    } = body
    if (!isValid({ songName, instrument, durationSeconds: duration, date, xmlContent, analysis, notes })) {
      return problem(400, 'invalid_input')
    }
    const session: Stored = {
      id,
      date: new Date(date).toISOString(),
      songName,
      instrument,
      durationSeconds: Math.round(duration),
      xmlContent,
      analysis,
      notes,
      audio: audioBase64
    }
    const known = mine.sessions.get(id)
    if (known && ![digest(known), known.savedAs].includes(digest(session))) return problem(409, 'id_reused')
    if (!known) mine.sessions.set(id, session)
    return { status: known ? 200 : 201, body: toData(mine, known ?? session) }
  }

  function edit(mine: Account, session: Stored, { duration, analysis, ...body }: Partial<Body>) {
    const durationSeconds = duration === undefined ? session.durationSeconds : Math.round(duration)
    const merged =
      analysis === undefined ? session.analysis : analysis && { ...session.analysis, ...analysis }
    const changed = { ...session, ...body, durationSeconds, analysis: merged }
    if (duration === null || !isValid(changed)) return problem(400, 'invalid_input')
    const savedAs = session.savedAs ?? digest(session)
    Object.assign(session, changed, { savedAs, date: new Date(changed.date).toISOString() })
    return { status: 200, body: toData(mine, session) }
  }

  function begin(
    mine: Account,
    session: Stored,
    { contentType, bytes, uploadId: open }: { contentType: string; bytes: number; uploadId?: string }
  ) {
    if (!contentType.startsWith('audio/webm')) return problem(415, 'unsupported_recording')
    if (session.audio) return problem(409, 'recording_exists')
    if (open && !mine.uploads.has(open)) return problem(404, 'upload_not_found')
    const uploadId = open ?? randomUUID()
    if (!open) mine.uploads.set(uploadId, { contentType: 'audio/webm', bytes })
    return {
      status: 201,
      body: {
        uploadId,
        url: `${api.baseUrl}/storage/${uploadId}`,
        contentType: 'audio/webm',
        token: `valid-${randomUUID()}`,
        bucket: 'staging',
        path: uploadId,
        cacheControl: '60',
        resumableUrl: api.baseUrl + TUS_PATH,
        expiresAt: new Date(Date.now() + api.tokenLifeMs).toISOString()
      }
    }
  }

  /** The object storage, which identifies an upload by its URL alone. */
  function receive(
    { path, token }: { path: string; token: string },
    contentType: string | undefined,
    bytes: Buffer
  ) {
    const upload = findUpload(path.replace('/storage/', ''))
    const error =
      !upload || token || contentType !== upload.contentType
        ? 'InvalidRequest'
        : upload.arrived
          ? 'Duplicate'
          : ''
    if (!upload || error) return { status: 400, body: { statusCode: '400', error } }
    upload.arrived = bytes
    return { status: 200, body: { Key: path } }
  }

  function findUpload(uploadId: string) {
    return [...accounts.values()].map(({ uploads }) => uploads.get(uploadId)).find(Boolean)
  }

  function finish(mine: Account, session: Stored, { uploadId }: { uploadId: string }) {
    const upload = mine.uploads.get(uploadId)
    if (session.audio && upload?.arrived) return problem(409, 'recording_exists')
    if (!session.audio) {
      if (!upload?.arrived || upload.arrived.length !== upload.bytes) return problem(409, 'upload_incomplete')
      Object.assign(session, { audio: upload.arrived.toString('base64'), isDirect: true })
      mine.uploads.delete(uploadId)
    }
    return { status: 200, body: toData(mine, session) }
  }

  function toData(mine: Account, session: Stored) {
    return {
      ...session,
      audio: undefined,
      isDirect: undefined,
      savedAs: undefined,
      audioUrl: audioUrl(mine, session)
    }
  }

  function list(mine: Account): object[] {
    return [...mine.sessions.values()]
      .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : a.id < b.id ? -1 : 1))
      .map((session) => ({
        id: session.id,
        date: session.date,
        song_name: session.songName,
        instrument: session.instrument,
        duration_seconds: session.durationSeconds,
        audio_url: audioUrl(mine, session),
        score_accuracy: session.analysis?.scoreAccuracy ?? null
      }))
  }

  function audioUrl(mine: Account, { id, audio }: Stored): string | null {
    const token = [...accounts].find(([, value]) => value === mine)?.[0]
    return audio ? `${api.baseUrl}/recordings/${token}/${id}` : null
  }

  async function start(): Promise<void> {
    server = createServer((request, response) => {
      handle(request, response).catch(() => request.socket.destroy())
    })
    server.on('connection', (socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)))
    })
    await new Promise<void>((resolve) => {
      server.listen(api.port, '127.0.0.1', resolve)
    })
    api.port = (server.address() as AddressInfo).port
    api.baseUrl = `http://127.0.0.1:${api.port}`
  }

  async function kill(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }

  await start()
  return api
}

type Answer = Exclude<ReturnType<Fault>, string | undefined>

/** 304 for an unchanged answer. */
function conditional(answer: Answer, etag: string | undefined): Answer {
  if (answer.status !== 200 || Buffer.isBuffer(answer.body)) return answer
  const current = `"${createHash('sha256').update(JSON.stringify(answer.body)).digest('hex')}"`
  return etag === current ? { status: 304 } : { ...answer, headers: { ...answer.headers, etag: current } }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const type = Buffer.isBuffer(body)
    ? 'audio/webm'
    : status < 400
      ? 'application/json'
      : 'application/problem+json'
  response.writeHead(status, { 'content-type': type, ...headers })
  response.end(
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  )
}

export type FakeApi = Awaited<ReturnType<typeof startFakeApi>>

type Body = Partial<Omit<Stored, 'audio'>> & { duration: number; audioBase64?: string }

/** Whether the API takes the members, except for the sizes of scores and of texts of an analysis. */
function isValid(session: Omit<Stored, 'id' | 'audio'>): boolean {
  const { songName, instrument, durationSeconds, date, notes, analysis } = session
  const time = Date.parse(date)
  const score = analysis?.scoreAccuracy ?? 0
  return (
    [songName, instrument].every((name) => name?.trim() && [...name].length <= MAX_NAME_CHARACTERS) &&
    [...(notes ?? '')].length <= MAX_NOTES_CHARACTERS &&
    durationSeconds >= 0 &&
    durationSeconds <= MAX_DURATION_SECONDS &&
    Number.isInteger(score) &&
    score >= 0 &&
    score <= 100 &&
    time >= Date.parse(EARLIEST_YEAR) &&
    time <= Date.now() + MAX_HOURS_AHEAD * 3_600_000 &&
    !Object.values({ ...session, ...analysis }).some((text) => new RegExp(UNSTORABLE, 'u').test(String(text)))
  )
}

/** Equal for equal saves. Includes the recording only if it was sent inline. */
function digest({ isDirect, savedAs, ...session }: Stored): string {
  return JSON.stringify({ ...session, ...(isDirect && { audio: null }) })
}

function days({ sessions }: Account, query: URLSearchParams) {
  const range = { from: query.get('from') ?? '', to: query.get('to') ?? '' }
  if (faultOfRange(range)) return problem(400, 'invalid_input')
  const dated = [...sessions.values()].map((session) => ({ ...session, date: new Date(session.date) }))
  return { status: 200, body: { days: dailyPractice(dated, query.get('tz') ?? 'UTC', range) } }
}

function stats({ sessions }: Account, timeZone: string) {
  const dated = [...sessions.values()].map((session) => ({ ...session, date: new Date(session.date) }))
  return summarise(practiceDays(dated, timeZone, new Date()), localDay(new Date(), timeZone))
}

export function problem(status: number, code: string, headers: Record<string, string> = {}) {
  return {
    status,
    body: { type: 'about:blank', title: code, status, code, detail: `Because of ${code}` },
    headers
  }
}
