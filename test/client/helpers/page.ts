import {
  ApiStorageService,
  createStorageService,
  LocalStorageService,
  type PracticeStorage,
  type SessionData
} from '../../../src/client/index.ts'
import { createOutbox, type Outbox } from '../../../src/client/offline/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { behaviours } from '../storage-service-suite.ts'
import { hex, newSession, recording, recordingOf } from './sessions.ts'

/**
 * The part of the browser tests that runs in the page, as the global `scenarios`. Only this module is
 * bundled; it imports the built files of the client.
 */
export type Account = {
  baseUrl: string
  token: string
  profile?: { sub: string; email: string; name: string }
  directUploadBytes?: number
}

function api({ token, profile, ...options }: Account): PracticeStorage {
  return new ApiStorageService({ ...options, getAccessToken: async () => token, getProfile: () => profile })
}

/** Runs one behaviour of the shared suite. Returns the error, or an empty string. */
export async function runBehaviour(behaviour: string, account?: Account): Promise<string> {
  if (!account) localStorage.clear()
  const service = account ? api(account) : new LocalStorageService()
  return (await behaviours[behaviour]?.(service).then(() => '', String)) ?? 'There is no such behaviour'
}

/** Saves a session with the store. Returns the streak. */
export async function practise(): Promise<number> {
  localStorage.clear()
  const { getState } = createSessionStore(createStorageService({ mock: true }))
  getState().startNewSession('', 'Ode to Joy', 'Piano')
  await getState().saveSession()
  return getState().streak
}

/** Uploads a recording. Returns the reported progress as shares of the total. */
export async function upload(account: Account, bytes: number): Promise<number[]> {
  const shares: number[] = []
  const service = api(account)
  await service.saveSession(newSession())
  await service.saveSession(newSession({ audio: recording(1, bytes) }), {
    onProgress: ({ loaded, total }) => shares.push(loaded / total)
  })
  return shares
}

/** Saves a session whose content depends only on the id. Returns the error code, or an empty string. */
export async function save(account: Account, id: string): Promise<string> {
  const session = newSession({ id, date: '2026-01-01T00:00:00.000Z', audio: recording() })
  return await api(account)
    .saveSession(session, { onProgress: () => {} })
    .then(
      () => '',
      (error) => error.code
    )
}

/** Fills localStorage with recordings. Returns session ids and digests. */
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

/** The digests of the recordings from `fill`, and which of them are in localStorage. */
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

/** The songs of the account's history. */
export async function songs(account: Account): Promise<string[]> {
  return (await api(account).getSessions()).map(({ songName }) => songName)
}

/** What LocalStorageService and the outbox do in this browser. Returns error codes and songs. */
export async function useStorage(
  account: Account
): Promise<{ local: string; account: string[]; kept: string }> {
  const box = createOutbox(api(account), { account: account.token })
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => '',
      (error) => String(error.code)
    )
  const kept = await codeOf(
    box.saveSession(newSession({ id: account.token, songName: 'Through the outbox' }))
  )
  const songs = (await box.getSessions()).map(({ songName }) => songName)
  box.close()
  return { local: await codeOf(new LocalStorageService().getSessions()), account: songs, kept }
}

/** Closes the outbox's database as a browser does in the background: without an event. */
export async function saveAfterClose(account: Account, id: string): Promise<string[]> {
  const databases: IDBDatabase[] = []
  const open = IDBFactory.prototype.open
  IDBFactory.prototype.open = function (...given) {
    const request = open.apply(this, given)
    request.addEventListener('success', () => databases.push(request.result))
    return request
  }
  const box = createOutbox(api(account), { account: account.token, isOnline: () => false })
  await box.getSessionById('none')
  for (const database of databases) database.close()
  await box.saveSession(newSession({ id, songName: 'After the close' }))
  const states = (await box.getSessions()).map(({ songName, pending }) => `${songName} ${pending}`)
  await box.flush()
  box.close()
  IDBFactory.prototype.open = open
  return states
}

let outbox: Outbox | undefined

/** Saves sessions through this page's outbox. Returns their ids. */
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

/** Song name and state of each session in the outbox's history. */
export async function history(): Promise<[string, string][]> {
  const sessions: SessionData[] = (await outbox?.getSessions()) ?? []
  return sessions.map(({ songName, pending }) => [songName, pending ?? 'saved'])
}

/** The same, once every session is delivered or 30 seconds have passed. */
export async function deliveredHistory(): Promise<[string, string][]> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if ((await history()).every(([, state]) => state === 'saved')) break
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
  }
  return await history()
}
