import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { openDatabase, promised } from '../../src/client/indexed-db.ts'
import { LocalStorageService } from '../../src/client/index.ts'
import { memoryStorage } from './helpers/memory-storage.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'

const KEY = 'harmony-helper-storage'

function local(storage: Storage, indexedDB: IDBFactory = new IDBFactory()) {
  return new LocalStorageService({ storage, indexedDB })
}

const refusing = (name: string) =>
  Object.assign(new IDBFactory(), {
    open: () => {
      throw new DOMException('Refused', name)
    }
  })

t.test('moves recordings to IndexedDB when localStorage is full, the new one first', async (t) => {
  const [storage, indexedDB] = [memoryStorage(250_000), new IDBFactory()]
  const service = local(storage, indexedDB)
  const sessions = [1, 2, 3, 4, 5].map((seed) => newSession({ audio: recording(seed) }))
  for (const session of sessions) await service.saveSession(session)

  const inline = JSON.parse(storage.getItem(KEY) ?? '').state.history.map(
    ({ audioBase64 }: { audioBase64: string }) => audioBase64 !== ''
  )
  t.strictSame(inline, [false, false, false, true, true])
  await t.test('older recordings move when a score needs the space', async (t) => {
    await service.saveSession(newSession({ xmlContent: 'x'.repeat(100_000) }))
    const reopened = local(storage, indexedDB)
    for (const { id, audio } of sessions) {
      const read = await reopened.getSessionById(id)
      t.equal(read && (await recordingOf(read)), audio && (await hex(audio)))
    }
  })
})

for (const [reason, name] of [
  ['full', 'QuotaExceededError'],
  ['refused', 'SecurityError']
] as const) {
  t.test(`rejects with storage_full, and stores nothing, when IndexedDB is ${reason} as well`, async (t) => {
    const storage = memoryStorage(250_000)
    const service = local(storage, refusing(name))
    await service.saveSession(newSession({ audio: recording(1) }))
    await service.saveSession(newSession({ audio: recording(2) }))
    const before = storage.getItem(KEY)
    await t.rejects(service.saveSession(newSession({ audio: recording(3) })), {
      name: 'StorageError',
      status: 507,
      code: 'storage_full'
    })
    t.equal(storage.getItem(KEY), before)
  })
}

t.test('rejects with storage_full when moving recordings makes no space', async (t) => {
  const history = [{ ...newSession(), audioBase64: 'data:audio/webm;base64,AAAA' }]
  const document = JSON.stringify({ state: { history, streak: 1 }, version: 0 })
  const storage = memoryStorage(KEY.length + document.length)
  storage.setItem(KEY, document)
  await t.rejects(local(storage).saveSession(newSession({ xmlContent: '' })), { code: 'storage_full' })
  t.equal(storage.getItem(KEY), document)
})

t.test('a recording that was moved for a save does not stay when the save fails', async (t) => {
  const [storage, indexedDB] = [memoryStorage(20_000), new IDBFactory()]
  const full = storage.setItem.bind(storage)
  let writes = 0
  storage.setItem = (key, value) => {
    if (writes++ > 0) throw new DOMException('The operation is insecure', 'SecurityError')
    full(key, value)
  }
  const session = newSession({ audio: recording() })
  await t.rejects(local(storage, indexedDB).saveSession(session), { code: 'storage_blocked' })
  const transact = openDatabase(indexedDB, 'harmony-helper', { recordings: {} })
  t.strictSame(await transact('readonly', (store) => promised(store('recordings').getAllKeys())), [])
})

t.test('a change that needs space moves recordings to IndexedDB', async (t) => {
  const [storage, indexedDB] = [memoryStorage(200_000), new IDBFactory()]
  const service = local(storage, indexedDB)
  const session = newSession({ audio: recording() })
  await service.saveSession(session)
  await service.updateSession(session.id, { xmlContent: 'x'.repeat(150_000) })
  const read = await local(storage, indexedDB).getSessionById(session.id)
  t.equal(read?.xmlContent?.length, 150_000)
  t.equal(read && (await recordingOf(read)), await hex(recording()))
  await t.rejects(service.updateSession(session.id, { xmlContent: 'x'.repeat(300_000) }), {
    code: 'storage_full'
  })
})

t.test('deleting a session deletes its recording', async (t) => {
  const [storage, indexedDB] = [memoryStorage(20_000), new IDBFactory()]
  const session = newSession({ audio: recording() })
  await local(storage, indexedDB).saveSession(session)
  await local(storage, indexedDB).deleteSession(session.id)
  await local(storage, indexedDB).saveSession({ ...session, audio: new Blob() })
  t.equal((await local(storage, indexedDB).getSessionById(session.id))?.audio, undefined)
})
