import type { SessionListItem } from '../contract/sessions.ts'
import { createHttp, type Http } from './api-http.ts'
import { base64Parts } from './base64.ts'
import { systemClock, type Clock } from './clock.ts'
import { StorageError, type CallOptions, type IStorageService, type SaveOptions, type SessionData, type UserStatsData } from './storage-service.ts'
import { browserTimeZone } from './time-zone.ts'
import type { GetAccessToken } from './token.ts'
import type { Fetch } from './xhr-fetch.ts'

/** Who is signed in: Auth0's `user`. */
export type Profile = { sub?: string, email?: string, name?: string, picture?: string }

export type ApiStorageOptions = {
  getAccessToken: GetAccessToken
  /** With it, a person whom the server does not know yet is made known by the first save. */
  getProfile?: () => Profile | undefined | Promise<Profile | undefined>
  /** Where the API is, without `/api`; the page's own origin by default. */
  baseUrl?: string
  fetch?: Fetch
  XMLHttpRequest?: typeof XMLHttpRequest
  clock?: Clock
  timeZone?: string
  /** How long an answer may take, uploading not counted. */
  timeoutMs?: number
}

/**
 * Keeps sessions in the account, through the API.
 *
 * Calls that meet a dead network or a busy server are repeated for some seconds (`Retry-After` is honoured) before
 * they reject. A save can be repeated because its id makes it safe: an answer that got lost never saves twice.
 */
export class ApiStorageService implements IStorageService {
  readonly #http: Http
  readonly #getProfile: ApiStorageOptions['getProfile']
  readonly #timeZone: string | undefined
  #syncing: Promise<unknown> | undefined

  constructor ({ baseUrl = '', getAccessToken, getProfile, timeZone = browserTimeZone(), ...given }: ApiStorageOptions) {
    this.#http = createHttp({
      baseUrl: baseUrl.replace(/\/+$/, ''),
      getAccessToken,
      fetch: given.fetch ?? ((url, init) => fetch(url, init)),
      // Whoever brings a fetch wants all requests to go through it.
      Xhr: given.XMLHttpRequest ?? (given.fetch ? undefined : globalThis.XMLHttpRequest),
      clock: given.clock ?? systemClock,
      timeoutMs: given.timeoutMs ?? 30_000
    })
    this.#getProfile = getProfile
    this.#timeZone = timeZone
  }

  async getSessions (options?: CallOptions): Promise<SessionData[]> {
    const rows = await this.#http<SessionListItem[]>({ ...options, method: 'GET', path: '/api/sessions' })
    return rows.map(row => ({
      id: row.id,
      date: row.date,
      songName: row.song_name,
      instrument: row.instrument,
      durationSeconds: row.duration_seconds,
      audioUrl: row.audio_url
    }))
  }

  async getSessionById (id: string, options?: CallOptions): Promise<SessionData | null> {
    return this.#http<SessionData>({ ...options, method: 'GET', path: sessionPath(id) }).catch(unlessMissing(null))
  }

  async saveSession (session: SessionData, options?: SaveOptions): Promise<void> {
    const call = { ...options, method: 'POST', path: '/api/sessions', body: await saveBody(session) } as const
    await this.#http(call).catch(async error => {
      if (error.code !== 'user_not_synced' || !this.#getProfile) throw error
      await (this.#syncing ??= this.#sync(this.#getProfile).finally(() => { this.#syncing = undefined }))
      await this.#http(call)
    })
  }

  async deleteSession (id: string, options?: CallOptions): Promise<void> {
    await this.#http({ ...options, method: 'DELETE', path: sessionPath(id) }).catch(unlessMissing(undefined))
  }

  async getUserStats (options?: CallOptions): Promise<UserStatsData> {
    const query = this.#timeZone ? `?tz=${encodeURIComponent(this.#timeZone)}` : ''
    return this.#http({ ...options, method: 'GET', path: `/api/stats${query}` })
  }

  async #sync (getProfile: NonNullable<ApiStorageOptions['getProfile']>): Promise<void> {
    const { sub, email, name, picture } = await getProfile() ?? {}
    const body = new Blob([JSON.stringify({ auth0_id: sub, email, name, picture, timeZone: this.#timeZone })])
    await this.#http({ method: 'POST', path: '/api/users/sync', body })
  }
}

/** The body of a save, in pieces: with its recording it may have 70 MB. */
async function saveBody ({ id, date, songName, instrument, durationSeconds, xmlContent, analysis, audio }: SessionData): Promise<Blob> {
  const session = JSON.stringify({ id, date, songName, instrument, duration: durationSeconds, xmlContent, analysis })
  if (!audio?.size) return new Blob([session])
  return new Blob([session.slice(0, -1), ',"audioBase64":"', ...await base64Parts(audio), '"}'])
}

function sessionPath (id: string): string {
  return `/api/sessions/${encodeURIComponent(id)}`
}

// An unknown route is a wrong base URL, not a missing session.
function unlessMissing<T> (answer: T): (error: unknown) => T {
  return error => {
    if (error instanceof StorageError && error.status === 404 && error.code !== 'route_not_found') return answer
    throw error
  }
}
