import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import {
  ApiStorageService,
  type ApiStorageOptions,
  type Clock,
  type SessionData
} from '../../../src/client/index.ts'
import { createOutbox, type OutboxOptions } from '../../../src/client/offline/index.ts'
import { problem, startFakeApi } from '../helpers/fake-api.ts'
import { hex, newSession, recording, recordingOf } from '../helpers/sessions.ts'
import { behaviours } from '../storage-service-suite.ts'

/** For the service: pauses take no time. */
const clockWithoutPauses: Clock = { now: () => new Date(), sleep: async () => {} }
/** For the outbox: only short pauses end, so that it retries only when a test calls `flush`. */
const clockWithoutRetries: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      if (milliseconds < 1000) setTimeout(resolve, 5)
    })
}

/** A browser with an account on the fake API. Each `open` is a page with an outbox. */
async function setUp(t: Test, token = 'token', options: Partial<ApiStorageOptions> = {}) {
  const api = await startFakeApi()
  t.teardown(() => api.kill())
  const indexedDB = new IDBFactory()
  const service = new ApiStorageService({
    baseUrl: api.baseUrl,
    getAccessToken: async () => token,
    clock: clockWithoutPauses,
    ...options
  })
  function open(options: Partial<OutboxOptions> = {}) {
    const outbox = createOutbox(service, {
      account: 'clara',
      indexedDB,
      locks: undefined,
      clock: clockWithoutRetries,
      events: new EventTarget(),
      ...options
    })
    t.teardown(() => outbox.close())
    return outbox
  }
  const network = {
    fail: () => {
      api.fault = () => 'cut'
    },
    recover: () => {
      api.fault = () => undefined
    }
  }
  const arrived = () =>
    api.requests
      .filter(({ method, path }) => method === 'POST' && path === '/api/sessions')
      .map(({ body }) => JSON.parse(body).id as string)
  return { api, service, open, network, arrived, indexedDB }
}

const states = (sessions: SessionData[]) => sessions.map(({ id, pending }) => [id, pending])

t.test('with a network it passes the shared suite of storage services', async (t) => {
  for (const [behaviour, run] of Object.entries(behaviours)) {
    // A refused session stays in the queue; separate tests below cover that.
    if (behaviour.includes('rejected')) continue
    await t.test(behaviour, async (t) => run((await setUp(t, crypto.randomUUID())).open()))
  }
})

t.test(
  'without a network a save is queued, shown as waiting, and later delivered with its recording',
  async (t) => {
    const { api, open, network } = await setUp(t)
    const outbox = open()
    network.fail()
    const session = newSession({ audio: recording(5) })
    await outbox.saveSession(session)
    t.strictSame(states(await outbox.getSessions()), [[session.id, 'waiting']])
    const waiting = await outbox.getSessionById(session.id)
    t.match(waiting, { pending: 'waiting', xmlContent: session.xmlContent })
    t.equal(waiting && (await recordingOf(waiting)), await hex(recording(5)))

    network.recover()
    let changes = 0
    outbox.subscribe(() => changes++)
    await outbox.flush()
    t.equal(changes, 1)
    const [listed] = await outbox.getSessions()
    t.equal(listed?.pending, undefined)
    t.equal(listed && (await recordingOf(listed)), await hex(recording(5)))
    t.equal(api.account('token').sessions.size, 1)
  }
)

t.test('a session stays waiting, with its recording, until its large recording is uploaded', async (t) => {
  const { api, open } = await setUp(t, 'token', { directUploadBytes: 1 })
  const outbox = open()
  api.fault = ({ path }) => (path.endsWith('/complete') ? problem(503, 'storage_unavailable') : undefined)
  const session = newSession({ audio: recording(5) })
  await outbox.saveSession(session)
  t.equal(api.account('token').sessions.size, 1)
  const [waiting] = await outbox.getSessions()
  t.equal(waiting?.pending, 'waiting')
  t.equal(waiting && (await recordingOf(waiting)), await hex(recording(5)))

  api.fault = () => undefined
  await outbox.flush()
  const [arrived] = await outbox.getSessions()
  t.equal(arrived?.pending, undefined)
  t.equal(arrived && (await recordingOf(arrived)), await hex(recording(5)))
})

t.test(
  'delivers fifty saves from three page loads once and in order although responses are lost',
  async (t) => {
    const { api, open, network, arrived } = await setUp(t)
    network.fail()
    const sessions = Array.from({ length: 50 }, (_, index) =>
      newSession({ songName: `Song ${index}`, audio: recording(index, 2_000) })
    )
    for (const part of [sessions.slice(0, 20), sessions.slice(20, 40), sessions.slice(40)]) {
      const page = open()
      for (const session of part) await page.saveSession(session)
      page.close()
    }
    const before = arrived().length
    let calls = 0
    api.fault = () => (calls++ % 7 === 3 ? 'lose' : undefined)
    const page = open()
    await page.flush()

    t.strictSame(
      [...new Set(arrived().slice(before))],
      sessions.map(({ id }) => id),
      'in order'
    )
    t.strictSame(
      [...api.account('token').sessions.keys()],
      sessions.map(({ id }) => id),
      'each session once'
    )
    network.recover()
    t.ok((await page.getSessions()).every(({ pending }) => !pending))
  }
)

t.test('two tabs deliver each session once', async (t) => {
  const { api, open, arrived, network } = await setUp(t)
  network.fail()
  const sessions = Array.from({ length: 10 }, () => newSession())
  const [one, two] = [open(), open()]
  await Promise.all(sessions.map((session, index) => (index % 2 ? one : two).saveSession(session)))
  network.recover()
  const before = arrived().length
  await Promise.all([one.flush(), two.flush(), one.flush(), two.flush()])
  t.equal(arrived().length - before, 10)
  t.equal(api.account('token').sessions.size, 10)
})

t.test('uses the Web Locks API where it is available', async (t) => {
  const names: string[] = []
  const locks = {
    request: async (name: string, work: () => Promise<unknown>) => {
      names.push(name)
      return await work()
    }
  } as unknown as LockManager
  const { api, open } = await setUp(t)
  await open({ locks }).saveSession(newSession())
  t.equal(api.account('token').sessions.size, 1)
  t.ok(names.length > 0 && names.every((name) => name === 'harmony-helper-outbox:clara'))
})

t.test(
  'a session that the server refuses stays in the queue with the reason and blocks no other',
  async (t) => {
    const { api, open, network } = await setUp(t)
    network.fail()
    const outbox = open()
    const [bad, good] = [
      newSession({ songName: ' ', date: '2026-02-02T00:00:00.000Z' }),
      newSession({ date: '2026-02-01T00:00:00.000Z' })
    ]
    await outbox.saveSession(bad)
    await outbox.saveSession(good)
    network.recover()
    await outbox.flush()
    t.match(await outbox.getSessions(), [
      {
        id: bad.id,
        pending: 'refused',
        refusal: { status: 400, code: 'invalid_input', detail: 'Because of invalid_input' }
      },
      { id: good.id, pending: undefined }
    ])
    t.equal((await open().getSessions()).length, 2, 'also after a reload')

    await t.test('a save rejects with the reason', async (t) => {
      await t.rejects(outbox.saveSession(newSession({ songName: '' })), {
        name: 'StorageError',
        code: 'invalid_input'
      })
    })
    await t.test('a corrected session is delivered when it is saved again', async (t) => {
      const read = await outbox.getSessionById(bad.id)
      await outbox.saveSession({ ...(read ?? bad), songName: 'Corrected' })
      t.equal(api.account('token').sessions.get(bad.id)?.songName, 'Corrected')
      t.equal((await outbox.getSessionById(bad.id))?.pending, undefined)
    })
    await t.test('a refused session can be deleted', async () => {
      const refused = (await outbox.getSessions()).find(({ pending }) => pending === 'refused')
      await outbox.deleteSession(refused?.id ?? '')
      t.ok((await outbox.getSessions()).every(({ pending }) => !pending))
    })
  }
)

t.test('a session stays waiting after an error that is not about its content', async (t) => {
  const { api, open } = await setUp(t)
  const faults = [
    problem(500, 'internal_error'),
    problem(503, 'storage_unavailable'),
    problem(401, 'invalid_token'),
    problem(409, 'user_not_synced'),
    { status: 200, body: '<html>Hotel</html>' }
  ]
  const outbox = open()
  for (const fault of faults) {
    api.fault = () => fault
    await outbox.saveSession(newSession())
  }
  api.fault = () => undefined
  t.equal((await outbox.getSessions()).filter(({ pending }) => pending === 'waiting').length, faults.length)
})

t.test('deleting a waiting session', async (t) => {
  await t.test('needs no network when it was never sent', async (t) => {
    const { open, network, arrived } = await setUp(t)
    const outbox = open({ isOnline: () => false })
    const session = newSession()
    await outbox.saveSession(session)
    network.fail()
    await outbox.deleteSession(session.id)
    t.equal(await open({ isOnline: () => true }).flush(), undefined)
    t.strictSame(arrived(), [])
  })

  await t.test('deletes it on the server when it may have been delivered', async (t) => {
    const { api, open } = await setUp(t)
    const outbox = open()
    const session = newSession()
    api.fault = ({ method }) => (method === 'POST' ? 'lose' : undefined)
    await outbox.saveSession(session)
    t.equal(api.account('token').sessions.size, 1)
    api.fault = () => 'cut'
    await t.rejects(outbox.deleteSession(session.id), { code: 'network_error' })
    api.fault = () => undefined
    await outbox.deleteSession(session.id)
    t.equal(api.account('token').sessions.size, 0)
    t.strictSame(await outbox.getSessions(), [])
  })
})

t.test('without a network it shows the last loaded history', async (t) => {
  const { open, network, service } = await setUp(t)
  await t.rejects(
    open({ isOnline: () => false }).getSessions(),
    { code: 'network_error' },
    'rejects when no history was loaded and nothing is queued'
  )
  const session = newSession()
  await service.saveSession(session)
  await open().getSessions()
  network.fail()
  const waiting = newSession({ date: new Date().toISOString() })
  const page = open()
  await page.saveSession(waiting)
  t.strictSame(states(await page.getSessions()), [
    [waiting.id, 'waiting'],
    [session.id, undefined]
  ])
})

t.test('retries a delivery automatically', async (t) => {
  await t.test('when the browser is online again', async (t) => {
    const { api, open } = await setUp(t)
    const events = new EventTarget()
    let online = false
    const outbox = open({ events, isOnline: () => online })
    await outbox.saveSession(newSession())
    online = true
    const arrived = new Promise<void>((resolve) => outbox.subscribe(resolve))
    events.dispatchEvent(new Event('online'))
    await arrived
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('with growing pauses, or after Retry-After', async (t) => {
    const { api, open } = await setUp(t)
    const pauses: number[] = []
    let wake = () => {}
    const clock: Clock = {
      now: () => new Date(),
      sleep: (milliseconds) =>
        new Promise((resolve) => {
          pauses.push(milliseconds)
          wake = resolve
        })
    }
    api.fault = () => problem(503, 'storage_unavailable', pauses.length === 2 ? { 'retry-after': '600' } : {})
    const outbox = open({ clock })
    await outbox.saveSession(newSession())
    for (const expected of [1, 2, 3]) {
      while (pauses.length < expected) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5)
        })
      }
      if (expected < 3) wake()
    }
    t.strictSame(pauses, [5_000, 10_000, 600_000])
  })
})

t.test('sessions of one account are never delivered to another', async (t) => {
  const { open, arrived } = await setUp(t)
  const offline = { isOnline: () => false }
  await open({ account: 'anna', ...offline }).saveSession(newSession())
  const bert = open({ account: 'bert' })
  await bert.flush()
  t.strictSame([await bert.getSessions(), arrived()], [[], []])
})

t.test('a session that is saved again during its delivery is delivered with the new content', async (t) => {
  const { api, open, network } = await setUp(t)
  const outbox = open()
  network.fail()
  const session = newSession({ songName: ' ' })
  await outbox.saveSession(session)
  let resaved: Promise<void> | undefined
  api.fault = ({ method }) => {
    if (method === 'POST') resaved ??= outbox.saveSession({ ...session, songName: 'Better' })
    return undefined
  }
  await outbox.flush()
  await resaved
  await outbox.flush()
  t.equal(api.account('token').sessions.get(session.id)?.songName, 'Better')
})

t.test('saves without the queue when IndexedDB is full', async (t) => {
  const { api, open } = await setUp(t)
  const full = new IDBFactory()
  full.open = () => {
    throw new DOMException('Full', 'QuotaExceededError')
  }
  const outbox = open({
    indexedDB: full,
    locks: { request: (_: string, work: () => unknown) => work() } as unknown as LockManager
  })
  await outbox.saveSession(newSession())
  t.equal(api.account('token').sessions.size, 1)
})
