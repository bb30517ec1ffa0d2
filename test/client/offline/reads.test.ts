import t, { type Test } from 'tap'
import { IDBObjectStore } from 'fake-indexeddb'
import type { Stale } from '../../../src/client/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { problem } from '../helpers/fake-api.ts'
import { startOutboxes } from '../helpers/outbox.ts'
import { newSession, recording } from '../helpers/sessions.ts'

const timeZone = 'Europe/Berlin'

/** A browser in Berlin with an account on the fake API. Each `open` is a page. */
async function setUp(t: Test) {
  const { open, ...browser } = await startOutboxes(t, 'token', { timeZone })
  return { ...browser, open: (account = 'clara') => open({ account, timeZone }) }
}

const settle = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 50)
  })
const today = () => new Date().toISOString()
const sessionToday = (given = {}) => newSession({ date: today(), durationSeconds: 600, ...given })

t.test('without a network, after a reload', async (t) => {
  const { open, network, service } = await setUp(t)
  const [opened, closed] = [sessionToday({ songName: 'Opened' }), sessionToday({ songName: 'Not opened' })]
  for (const session of [opened, closed]) await service.saveSession(session)
  const page = open()
  await page.getSessions()
  await page.getSessionById(opened.id)
  const stats = await page.getUserStats()
  await settle()
  network.fail()
  const next = open()
  const stale: Stale[] = []
  const options = { onStale: (answer: Stale) => stale.push(answer) }

  await t.test('the history, the stats and an opened session are shown', async (t) => {
    t.strictSame((await next.getSessions(options)).map(({ id }) => id).sort(), [opened.id, closed.id].sort())
    t.match(await next.getSessionById(opened.id, options), {
      xmlContent: opened.xmlContent,
      notes: opened.notes
    })
    t.strictSame(await next.getUserStats(options), stats)
    t.equal(stale.length, 3)
    t.ok(stale.every(({ loadedAt }) => Math.abs(Date.now() - loadedAt.getTime()) < 30_000))
  })

  await t.test('a session that was not opened is not', async (t) => {
    await t.rejects(next.getSessionById(closed.id), { code: 'network_error' })
  })

  await t.test('the days with practice are counted from the history', async (t) => {
    const year = new Date().getFullYear()
    const range = { from: `${year - 1}-12-01`, to: `${year + 1}-01-31` }
    t.match(await next.getPracticeDays(range, options), [{ minutes: 20, sessions: 2 }])
    await t.rejects(next.getPracticeDays({ from: '', to: '' }), { code: 'network_error' })
  })

  await t.test('the store tells when they were loaded', async (t) => {
    const store = createSessionStore(next)
    await store.getState().load()
    t.ok(store.getState().staleSince)
    t.match(store.getState(), { error: { code: 'network_error' }, stats, history: { length: 2 } })
    network.recover()
    await store.getState().load()
    t.match(store.getState(), { staleSince: null, error: null })
  })
})

t.test('reads ask with the ETag of the cached answer', async (t) => {
  const { api, open, service } = await setUp(t)
  const session = sessionToday()
  await service.saveSession(session)
  const page = open()
  const read = async () => [
    await page.getSessions(),
    await page.getUserStats(),
    await page.getSessionById(session.id)
  ]
  const first = await read()
  await settle()
  const before = api.requests.length
  t.strictSame(await read(), first)
  t.strictSame(
    api.requests.slice(before).map(({ etag }) => Boolean(etag)),
    [true, true, true]
  )
  await service.updateSession(session.id, { songName: 'Changed' })
  t.match(await page.getSessionById(session.id), { songName: 'Changed' })
})

t.test('stats count queued sessions, and not refused ones', async (t) => {
  const { api, open, network, service } = await setUp(t)
  const [stored, other] = [sessionToday(), sessionToday()]
  for (const session of [stored, other]) await service.saveSession(session)
  const page = open()
  await page.getSessions()
  await page.getUserStats()
  await settle()
  const total = async () => (await page.getUserStats()).total_minutes

  api.fault = ({ method }) => (method === 'POST' ? 'cut' : undefined)
  await page.saveSession(sessionToday({ audio: recording(1, 1_000) }))
  t.match(await page.getUserStats(), { total_minutes: 30, streak: 1 }, 'with the figures of the server')
  network.fail()
  t.match(await page.getUserStats(), { total_minutes: 30, streak: 1 }, 'with the kept ones')
  await page.updateSession(stored.id, { durationSeconds: 1_200 })
  t.equal(await total(), 40)
  await page.deleteSession(other.id)
  t.equal(await total(), 30)
  const range = { from: '2020-01-01', to: '2020-01-02' }
  t.strictSame(await page.getPracticeDays(range), [])

  api.fault = ({ method }) => (method === 'POST' ? problem(400, 'invalid_input') : undefined)
  await page.flush()
  t.equal(await total(), 20)
})

t.test('days with practice count queued sessions', async (t) => {
  const { api, open } = await setUp(t)
  const page = open()
  api.fault = ({ method }) => (method === 'POST' ? 'cut' : undefined)
  await page.saveSession(newSession({ date: '2026-03-01T12:00:00.000Z', durationSeconds: 600 }))
  t.strictSame(await page.getPracticeDays({ from: '2026-03-01', to: '2026-03-02' }), [
    { date: '2026-03-01', minutes: 10, sessions: 1 }
  ])
})

t.test('delivered changes are in the cached history, although it was not loaded since', async (t) => {
  const { open, network, service } = await setUp(t)
  const [edited, deleted, added] = [
    sessionToday(),
    sessionToday(),
    sessionToday({ audio: recording(1, 500) })
  ]
  for (const session of [edited, deleted]) await service.saveSession(session)
  const page = open()
  await page.getSessions()
  await page.getSessionById(edited.id)
  await settle()
  await page.saveSession(added)
  await page.updateSession(edited.id, { songName: 'Edited' })
  await page.deleteSession(deleted.id)
  page.close()

  network.fail()
  const next = open()
  const history = await next.getSessions()
  t.strictSame(history.map(({ id }) => id).sort(), [edited.id, added.id].sort())
  t.match(
    history.find(({ id }) => id === edited.id),
    { songName: 'Edited', pending: undefined }
  )
  t.equal(history.find(({ id }) => id === added.id)?.audio, undefined)
  await t.rejects(next.getSessionById(edited.id), { code: 'network_error' }, 'the old one is not shown')
  network.recover()
  t.match(
    (await next.getSessions()).find(({ id }) => id === added.id),
    { audioUrl: /^http/ }
  )
})

t.test('cached answers', async (t) => {
  await t.test('are removed at logout, while queued sessions stay', async (t) => {
    const { open, network, service } = await setUp(t)
    await service.saveSession(sessionToday())
    const page = open()
    await page.getSessions()
    await settle()
    network.fail()
    const waiting = sessionToday()
    await page.saveSession(waiting)
    await page.forget()
    t.strictSame(
      (await open().getSessions()).map(({ id }) => id),
      [waiting.id]
    )
  })

  await t.test('are removed with queued sessions after the account was deleted', async (t) => {
    const { api, open, network } = await setUp(t)
    network.fail()
    const page = open()
    await page.saveSession(sessionToday())
    await page.forget({ unsent: true })
    network.recover()
    const before = api.requests.length
    const next = open()
    await next.flush()
    t.strictSame(await next.getSessions(), [])
    t.equal(api.requests.slice(before).filter(({ method }) => method === 'POST').length, 0)
  })

  await t.test('are shown to their account only', async (t) => {
    const { open, network, service } = await setUp(t)
    await service.saveSession(sessionToday())
    await open('clara').getSessions()
    await settle()
    network.fail()
    await t.rejects(open('robert').getSessions(), { code: 'network_error' })
  })
})

t.test('evicts cached answers when a save needs space', async (t) => {
  const { open, network, service } = await setUp(t)
  await service.saveSession(sessionToday())
  const page = open()
  await page.getSessions()
  await settle()
  network.fail()
  const { put, clear } = IDBObjectStore.prototype
  let isFull = true
  const restore = () => Object.assign(IDBObjectStore.prototype, { put, clear })
  t.teardown(restore)
  Object.assign(IDBObjectStore.prototype, {
    put(this: IDBObjectStore, ...given: Parameters<typeof put>) {
      if (isFull) throw new DOMException('Full', 'QuotaExceededError')
      return put.apply(this, given)
    },
    clear(this: IDBObjectStore) {
      isFull = false
      return clear.apply(this)
    }
  })
  const waiting = sessionToday()
  await page.saveSession(waiting)
  restore()
  t.match(await open().getSessions(), [{ id: waiting.id, pending: 'waiting' }])
})
