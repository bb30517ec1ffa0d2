import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { openDatabase, promised } from '../../src/client/indexed-db.ts'
import { readBlob } from '../../src/client/read-blob.ts'
import { holdTimers } from './helpers/hold-timers.ts'

/** A factory that collects the databases it opens. */
function collectingFactory() {
  const factory = new IDBFactory()
  const databases: IDBDatabase[] = []
  const open = factory.open.bind(factory)
  factory.open = (...given) => {
    const request = open(...given)
    request.addEventListener('success', () => databases.push(request.result))
    return request
  }
  return { factory, databases }
}

const blocked = { name: 'StorageError', code: 'storage_blocked', detail: /site data/ }

t.test('a database that the browser closed without an event is opened again', async (t) => {
  const { factory, databases } = collectingFactory()
  const transact = openDatabase(factory, 'x', { things: {} })
  await transact('readwrite', (store) => promised(store('things').put(1, 'a')))
  databases[0]?.close()
  await transact('readwrite', (store) => promised(store('things').put(2, 'b')))
  t.strictSame(await transact('readonly', (store) => promised(store('things').getAll())), [1, 2])
  t.equal(databases.length, 2)
})

t.test('a transaction that the browser lost is run again', async (t) => {
  const transact = openDatabase(new IDBFactory(), 'x', { things: {} })
  let runs = 0
  await transact('readwrite', (store) => {
    if (++runs === 1) throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
    return promised(store('things').put(1, 'a'))
  })
  t.strictSame(await transact('readonly', (store) => promised(store('things').getAll())), [1])
})

t.test('a database that fails again rejects with storage_blocked, and works once it recovers', async (t) => {
  const { factory, databases } = collectingFactory()
  const transact = openDatabase(factory, 'x', { things: {} })
  let isFailing = true
  const work = (store: (name: string) => IDBObjectStore) => {
    if (isFailing) databases.at(-1)?.close()
    return promised(store('things').put(1, 'a'))
  }
  const open = factory.open.bind(factory)
  factory.open = () => {
    throw new DOMException('The operation is insecure', 'SecurityError')
  }
  await t.rejects(transact('readwrite', work), blocked)
  factory.open = open
  isFailing = false
  await transact('readwrite', work)
  t.equal(databases.length, 1)
})

t.test('a database that never opens is given up after a time', async (t) => {
  const timers = holdTimers(t)
  const factory = Object.assign(new IDBFactory(), { open: () => ({}) as IDBOpenDBRequest })
  const result = openDatabase(factory, 'x', { things: {} })('readonly', () => 1)
  const rejected = t.rejects(result, blocked)
  await Promise.resolve()
  timers.elapse(5_000)
  await rejected
})

t.test('a blob whose bytes are gone, or never come, is recording_unreadable', async (t) => {
  const unreadable = { name: 'StorageError', status: 422, code: 'recording_unreadable' }
  const blob = (arrayBuffer: Blob['arrayBuffer']) => Object.assign(new Blob(['x']), { arrayBuffer })
  await t.rejects(readBlob(blob(() => Promise.reject(new DOMException('Gone', 'NotFoundError')))), unreadable)
  const timers = holdTimers(t)
  const rejected = t.rejects(readBlob(blob(() => new Promise(() => {}))), unreadable)
  timers.elapse(10_000)
  await rejected
})
