import type { SessionListItem } from '../contract/session-list.ts'
import { createHttp, networkError, type Http } from './api-http.ts'
import { systemClock, type Clock } from './clock.ts'
import type {
  CallOptions,
  DailyPractice,
  DayRange,
  PracticeStorage,
  SaveOptions,
  SessionChanges,
  SessionData,
  UserStatsData
} from './storage-service.ts'
import { browserTimeZone } from './time-zone.ts'
import type { GetAccessToken } from './token.ts'
import { changesBody, fromRow, saveBody, sessionPath, unlessMissing } from './wire-session.ts'
import type { Fetch } from './xhr-fetch.ts'

/** The signed-in user, as Auth0's `user`. */
export type Profile = { sub?: string; email?: string; name?: string; picture?: string }

export type ApiStorageOptions = {
  getAccessToken: GetAccessToken
  /** When given, the first save of a new user creates the user on the server. */
  getProfile?: () => Profile | undefined | Promise<Profile | undefined>
  /** The API's origin, without `/api`. Default: the page's own origin. */
  baseUrl?: string
  fetch?: Fetch
  XMLHttpRequest?: typeof XMLHttpRequest
  clock?: Clock
  timeZone?: string
  /**
   * Recordings of at least this many bytes are uploaded directly to the object storage. Default: 8,000,000. A
   * direct upload needs more requests, but avoids base64, which adds a third to the size, and can be resumed.
   * If it fails, the recording is sent inline.
   */
  directUploadBytes?: number
  /** Time limit for a token, and for a response without its transfer, in milliseconds. Default: 30,000. */
  timeoutMs?: number
}

/**
 * Stores sessions in the user's account through the API.
 *
 * A call that finds no network or a busy server is repeated up to three times before it rejects. Each pause is
 * at most 2 s, or the server's `Retry-After`; after one of more than 30 s the call rejects at once. Repeating a
 * save is safe because of its id: a lost response never creates a second session.
 */
export class ApiStorageService implements PracticeStorage {
  readonly #http: Http
  readonly #clock: Clock
  readonly #getProfile: ApiStorageOptions['getProfile']
  readonly #timeZone: string | undefined
  readonly #directUploadBytes: number
  #syncing: Promise<unknown> | undefined

  constructor({
    baseUrl = '',
    getAccessToken,
    getProfile,
    timeZone = browserTimeZone(),
    directUploadBytes = 8_000_000,
    clock = systemClock,
    ...given
  }: ApiStorageOptions) {
    this.#http = createHttp({
      baseUrl: baseUrl.replace(/\/+$/, ''),
      getAccessToken,
      fetch: given.fetch ?? ((url, init) => fetch(url, init)),
      // With a custom fetch, all requests go through it.
      Xhr: given.XMLHttpRequest ?? (given.fetch ? undefined : globalThis.XMLHttpRequest),
      clock,
      timeoutMs: given.timeoutMs ?? 30_000
    })
    this.#clock = clock
    this.#getProfile = getProfile
    this.#timeZone = timeZone
    this.#directUploadBytes = directUploadBytes
  }

  async getSessions(options?: CallOptions): Promise<SessionData[]> {
    const rows = await this.#http.call<SessionListItem[]>({
      ...options,
      method: 'GET',
      path: '/api/sessions'
    })
    return rows.map(fromRow)
  }

  async getSessionById(id: string, options?: CallOptions): Promise<SessionData | null> {
    return this.#http
      .call<SessionData>({ ...options, method: 'GET', path: sessionPath(id) })
      .catch(unlessMissing(null))
  }

  async saveSession(session: SessionData, options?: SaveOptions): Promise<void> {
    const { audio } = session
    if (!audio || audio.size < this.#directUploadBytes) {
      await this.#save(session, options)
      return
    }
    const direct = await import('./direct-upload.ts').catch(() => undefined)
    if (direct) {
      return direct.saveDirectly(
        { http: this.#http, clock: this.#clock, save: this.#save.bind(this) },
        { ...session, audio },
        options
      )
    }
    // The module cannot be loaded, for example because a new release removed it. Only the module can tell
    // whether `id_reused` means an earlier, incomplete attempt of this same save, so report an error that
    // allows a retry.
    await this.#save(session, options).catch((error) => {
      throw error.code === 'id_reused' ? networkError(error) : error
    })
  }

  async updateSession(id: string, changes: SessionChanges, options?: CallOptions): Promise<void> {
    await this.#http.call({ ...options, method: 'PATCH', path: sessionPath(id), body: changesBody(changes) })
  }

  async deleteSession(id: string, options?: CallOptions): Promise<void> {
    await this.#http
      .call({ ...options, method: 'DELETE', path: sessionPath(id) })
      .catch(unlessMissing(undefined))
  }

  async getUserStats(options?: CallOptions): Promise<UserStatsData> {
    return this.#http.call({ ...options, method: 'GET', path: `/api/stats${this.#query({})}` })
  }

  async getPracticeDays({ from, to }: DayRange, options?: CallOptions): Promise<DailyPractice[]> {
    const path = `/api/stats/days${this.#query({ from, to })}`
    const { days } = await this.#http.call<{ days: DailyPractice[] }>({ ...options, method: 'GET', path })
    return days
  }

  #query(parameters: Record<string, string>): string {
    const query = new URLSearchParams(parameters)
    if (this.#timeZone) query.set('tz', this.#timeZone)
    return `?${query}`
  }

  async #save(session: SessionData, options?: SaveOptions): Promise<SessionData> {
    const call = { ...options, method: 'POST', path: '/api/sessions', body: await saveBody(session) } as const
    return this.#http.call<SessionData>(call).catch(async (error) => {
      if (error.code !== 'user_not_synced' || !this.#getProfile) throw error
      await (this.#syncing ??= this.#sync(this.#getProfile).finally(() => {
        this.#syncing = undefined
      }))
      return this.#http.call<SessionData>(call)
    })
  }

  async #sync(getProfile: NonNullable<ApiStorageOptions['getProfile']>): Promise<void> {
    const { sub, email, name, picture } = (await getProfile()) ?? {}
    const body = new Blob([JSON.stringify({ auth0_id: sub, email, name, picture, timeZone: this.#timeZone })])
    await this.#http.call({ method: 'POST', path: '/api/users/sync', body })
  }
}
