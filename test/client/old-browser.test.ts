import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { ApiStorageService, LocalStorageService } from '../../src/client/index.ts'
import { createOutbox, importHistory } from '../../src/client/offline/index.ts'
import { createSessionStore } from '../../src/client/zustand/index.ts'
import { startFakeApi } from './helpers/fake-api.ts'
import { memoryStorage } from './helpers/memory-storage.ts'
import { newSession, recording } from './helpers/sessions.ts'

/** Removes functions that the oldest supported browsers, or pages on plain http, do not have. */
function removeNewFunctions(t: Test) {
  for (const [owner, name] of [
    [AbortSignal, 'any'],
    [AbortSignal, 'timeout'],
    [Crypto.prototype, 'randomUUID'],
    [Crypto.prototype, 'subtle'],
    [Array.prototype, 'toReversed'],
    [Array.prototype, 'toSorted']
  ] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)!
    Object.defineProperty(owner, name, { value: undefined, configurable: true, writable: true })
    t.teardown(() => Object.defineProperty(owner, name, descriptor))
  }
}

t.test('without the functions that old browsers and plain http lack', async (t) => {
  const api = await startFakeApi()
  t.teardown(api.kill)
  const session = newSession({ audio: recording() })
  removeNewFunctions(t)
  const options = { baseUrl: api.baseUrl, getAccessToken: async () => 'token' }
  const stored = () => [...api.account('token').sessions.values()].map(({ songName }) => songName)

  await t.test('the account works', async (t) => {
    const service = new ApiStorageService({ ...options, directUploadBytes: 1 })
    const { signal } = new AbortController()
    await service.saveSession(session, { signal })
    await service.updateSession(session.id, { songName: 'Für Elise' }, { signal })
    t.match(await service.getSessions({ signal }), [{ songName: 'Für Elise' }])
    await service.deleteSession(session.id)
    t.strictSame(stored(), [])
  })

  await t.test('store and outbox work', async (t) => {
    const outbox = createOutbox(new ApiStorageService(options), {
      account: 'x',
      indexedDB: new IDBFactory(),
      locks: undefined,
      events: new EventTarget()
    })
    t.teardown(() => outbox.close())
    const { getState } = createSessionStore(outbox)
    getState().startNewSession('', 'Ode to Joy', 'Piano')
    t.match(
      getState().currentSession?.id,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    )
    await getState().saveSession()
    await outbox.flush()
    t.strictSame(stored(), ['Ode to Joy'])
    await outbox.deleteSession(getState().history[0]?.id ?? '')
  })

  await t.test('local history and import work', async (t) => {
    const local = new LocalStorageService({ storage: memoryStorage(), indexedDB: new IDBFactory() })
    await local.saveSession({ ...session, id: '1700000000000' })
    t.match(await importHistory(local, new ApiStorageService(options)), { imported: 1, problems: [] })
    t.match(await importHistory(local, new ApiStorageService(options)), { alreadyThere: 1 })
  })
})

t.test('a missing function is not reported as a missing network', async (t) => {
  const service = new ApiStorageService({
    getAccessToken: async () => 'token',
    fetch: () => (undefined as unknown as () => never)()
  })
  await t.rejects(service.getSessions(), {
    name: 'StorageError',
    code: 'browser_fault',
    detail: /is not a function/
  })
})

t.test('a page without storage', async (t) => {
  t.notOk('localStorage' in globalThis && globalThis.localStorage, 'this test needs a Node without it')
  const service = new LocalStorageService()
  const blocked = { name: 'StorageError', code: 'storage_blocked', detail: /Allow cookies and site data/ }
  for (const call of [
    () => service.getSessions(),
    () => service.getSessionById('x'),
    () => service.saveSession(newSession()),
    () => service.updateSession('x', {}),
    () => service.deleteSession('x'),
    () => service.getUserStats(),
    () => service.getPracticeDays({ from: '2026-01-01', to: '2026-01-02' })
  ]) {
    await t.rejects(call() as Promise<unknown> as Promise<void>, blocked)
  }
})

t.test('a localStorage that throws', async (t) => {
  const refuse = () => {
    throw new DOMException('Access is denied for this document', 'SecurityError')
  }
  const readable = { ...memoryStorage(), setItem: refuse }
  for (const storage of [{ ...readable, getItem: refuse }, readable]) {
    const service = new LocalStorageService({ storage, indexedDB: new IDBFactory() })
    await t.rejects(service.saveSession(newSession()), { code: 'storage_blocked' })
  }
})

t.test('a recording in a database that fails does not hide the history', async (t) => {
  const [storage, indexedDB] = [memoryStorage(20_000), new IDBFactory()]
  const session = newSession({ audio: recording() })
  await new LocalStorageService({ storage, indexedDB }).saveSession(session)
  const failing = Object.assign(new IDBFactory(), {
    open: () => {
      throw new DOMException('The operation is insecure', 'SecurityError')
    }
  })
  const service = new LocalStorageService({ storage, indexedDB: failing })
  t.match(await service.getSessions(), [{ songName: 'Ode to Joy' }])
  await t.rejects(service.getSessionById(session.id), { code: 'storage_blocked' })
})
