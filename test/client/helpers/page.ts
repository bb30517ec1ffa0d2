import {
  ApiStorageService,
  createStorageService,
  LocalStorageService,
  type IStorageService,
  type SessionData
} from '../../../src/client/index.ts'
import { createOutbox, type Outbox } from '../../../src/client/offline/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { behaviours } from '../storage-service-suite.ts'
import { hex, newSession, recording, recordingOf } from './sessions.ts'

/**
 * The part of the browser tests that happens in the page, where it is the global `scenarios`. It imports the client as
 * it is built, file by file, and only itself is bundled.
 */
export type Account = {
  baseUrl: string
  token: string
  profile?: { sub: string; email: string; name: string }
  directUploadBytes?: number
}

function api({ token, profile, ...options }: Account): IStorageService {
  return new ApiStorageService({ ...options, getAccessToken: async () => token, getProfile: () => profile })
}

/** What went wrong with a behaviour of the shared suite; empty when nothing did. */
export async function behave(behaviour: string, account?: Account): Promise<string> {
  if (!account) localStorage.clear()
  const service = account ? api(account) : new LocalStorageService()
  return (await behaviours[behaviour]?.(service).then(() => '', String)) ?? 'There is no such behaviour'
}

/** Practises with the store, as the app does. */
export async function practise(): Promise<number> {
  localStorage.clear()
  const { getState } = createSessionStore(createStorageService({ mock: true }))
  getState().startNewSession('', 'Ode to Joy', 'Piano')
  await getState().saveSession()
  return getState().streak
}

/** Uploads a recording; answers the shares that were told on the way. */
export async function upload(account: Account, bytes: number): Promise<number[]> {
  const shares: number[] = []
  const service = api(account)
  await service.saveSession(newSession())
  await service.saveSession(newSession({ audio: recording(1, bytes) }), {
    onProgress: ({ loaded, total }) => shares.push(loaded / total)
  })
  return shares
}

/** Saves a session with a recording, always the same under one id; answers why not, or nothing. */
export async function save(account: Account, id: string): Promise<string> {
  const session = newSession({ id, date: '2026-01-01T00:00:00.000Z', audio: recording() })
  return await api(account)
    .saveSession(session, { onProgress: () => {} })
    .then(
      () => '',
      (error) => error.code
    )
}

/** Fills localStorage with recordings; answers their sessions' ids and digests. */
export async function fill(count: number, bytes: number): Promise<[string, string][]> {
  localStorage.clear()
  const service = new LocalStorageService()
  const saved: [string, string][] = []
  for (let seed = 1; seed <= count; seed++) {
    const audio = recording(seed, bytes)
    const session = newSession({ audio })
    await service.saveSession(session)
    saved.push([session.id, await hex(audio)])
  }
  return saved
}

/** The digests of what `fill` kept, and which of it is still in localStorage. */
export async function readBack(ids: string[]) {
  const service = new LocalStorageService()
  const { state } = JSON.parse(localStorage.getItem('harmony-helper-storage') ?? '') as {
    state: { history: { audioBase64: string }[] }
  }
  const recordings = await Promise.all(
    ids.map(async (id) => {
      const session = await service.getSessionById(id)
      return [id, session && (await recordingOf(session))]
    })
  )
  return { inline: state.history.map(({ audioBase64 }) => audioBase64 !== ''), recordings }
}

let outbox: Outbox | undefined

/** Saves through this page's outbox; answers the ids. */
export async function saveByOutbox(account: Account, songs: string[]): Promise<string[]> {
  outbox ??= createOutbox(api(account), { account: account.token })
  const ids: string[] = []
  for (const songName of songs) {
    const session = newSession({ songName, audio: recording(ids.length, 50_000) })
    await outbox.saveSession(session)
    ids.push(session.id)
  }
  return ids
}

/** The songs of the history as this page's outbox shows it, each with its state. */
export async function history(): Promise<[string, string][]> {
  const sessions: SessionData[] = (await outbox?.getSessions()) ?? []
  return sessions.map(({ songName, pending }) => [songName, pending ?? 'saved'])
}

/** The same, as soon as nothing waits any more. */
export async function settledHistory(): Promise<[string, string][]> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if ((await history()).every(([, state]) => state === 'saved')) break
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
  }
  return await history()
}
