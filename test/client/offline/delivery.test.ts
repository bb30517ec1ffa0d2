import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import type { Clock } from '../../../src/client/index.ts'
import { problem } from '../helpers/fake-api.ts'
import { startOutboxes } from '../helpers/outbox.ts'
import { hex, newSession, recording, recordingOf } from '../helpers/sessions.ts'

t.test('a session stays waiting, with its recording, until its large recording is uploaded', async (t) => {
  const { api, open } = await startOutboxes(t, 'token', { directUploadBytes: 1 })
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
    const { api, open, network, arrived } = await startOutboxes(t)
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
  const { api, open, arrived, network } = await startOutboxes(t)
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

t.test('a session stays waiting after an error that is not about its content', async (t) => {
  const { api, open } = await startOutboxes(t)
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
  const sessions = await outbox.getSessions()
  t.equal(sessions.filter(({ pending }) => pending === 'waiting' || pending === 'delayed').length, 5)
})

t.test('an item that keeps failing', async (t) => {
  const bad = newSession({ songName: 'Bad', date: '2026-02-03T00:00:00.000Z' })
  const good = newSession({ songName: 'Good', date: '2026-02-02T00:00:00.000Z' })
  const page = { status: 403, body: '<html>Blocked by the proxy</html>' }
  const faults = {
    'a proxy answers with 403': page,
    'the server answers with 500': problem(500, 'internal_error'),
    'a proxy answers with HTML': { status: 200, body: page.body },
    'the connection is cut': 'cut',
    'a gateway answers with 502': { status: 502, body: page.body }
  } as const

  for (const [reason, fault] of Object.entries(faults)) {
    await t.test(`is delayed when ${reason}, and others pass it`, async (t) => {
      const { api, open } = await startOutboxes(t)
      const offline = open({ isOnline: () => false })
      for (const session of [bad, { ...bad, id: crypto.randomUUID() }, good]) {
        await offline.saveSession(session)
      }
      offline.close()
      api.fault = ({ body }) => (body.includes('"Bad"') ? fault : undefined)
      const outbox = open({ isOnline: () => false })
      let changes = 0
      outbox.subscribe(() => changes++)
      for (let pass = 1; pass <= 3; pass++) await outbox.flush()
      const sessions = await outbox.getSessions()
      t.strictSame(
        sessions.map(({ songName, pending }) => [songName, pending]),
        [
          ['Bad', 'delayed'],
          ['Bad', 'delayed'],
          ['Good', undefined]
        ]
      )
      t.match(sessions[0]?.refusal, { status: fault === 'cut' ? 0 : fault.status, detail: /./ })
      t.ok(changes > 0)

      api.fault = () => undefined
      await outbox.retry(bad.id)
      t.match(
        (await outbox.getSessions()).map(({ pending }) => pending),
        [undefined, undefined, undefined]
      )
    })
  }

  await t.test('is tried again later by itself', async (t) => {
    const { api, open } = await startOutboxes(t)
    let now = Date.now()
    let wake = () => {}
    const clock: Clock = {
      now: () => new Date(now),
      sleep: (milliseconds) =>
        new Promise((resolve) => {
          if (milliseconds < 1000) setTimeout(resolve, 5)
          else wake = resolve
        })
    }
    api.fault = ({ body }) => (body.includes('"Bad"') ? page : undefined)
    const outbox = open({ clock })
    await outbox.saveSession(bad)
    await outbox.saveSession(good)
    t.match(await outbox.getSessions(), [{ pending: 'delayed' }, { pending: undefined }])
    api.fault = () => undefined
    const arrived = new Promise<void>((resolve) => outbox.subscribe(resolve))
    now += 3_600_000
    wake()
    await arrived
    t.match(await outbox.getSessions(), [{ pending: undefined }, { pending: undefined }])
  })

  await t.test('is refused at once when its recording cannot be read any more', async (t) => {
    const { open } = await startOutboxes(t, 'token', { directUploadBytes: 1 })
    const broken = new Blob(['x'])
    broken.slice = () => broken
    broken.arrayBuffer = () => Promise.reject(new DOMException('Gone', 'NotFoundError'))
    const full = new IDBFactory()
    full.open = () => {
      throw new DOMException('Full', 'QuotaExceededError')
    }
    const expected = { name: 'StorageError', code: 'recording_unreadable' }
    await t.rejects(open({ indexedDB: full }).saveSession({ ...bad, audio: broken }), expected)
  })
})

t.test('while the browser wrongly reports no network', async (t) => {
  await t.test('"send now" sends', async (t) => {
    const { api, open } = await startOutboxes(t)
    const outbox = open({ isOnline: () => false })
    await outbox.saveSession(newSession())
    t.equal(api.account('token').sessions.size, 0)
    await outbox.flush()
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('what waits is tried after a pause', async (t) => {
    const { api, open } = await startOutboxes(t)
    let wake = () => {}
    const clock: Clock = {
      now: () => new Date(),
      sleep: (milliseconds) =>
        new Promise((resolve) => {
          if (milliseconds < 1000) setTimeout(resolve, 5)
          else wake = resolve
        })
    }
    const outbox = open({ isOnline: () => false, clock })
    await outbox.saveSession(newSession())
    const arrived = new Promise<void>((resolve) => outbox.subscribe(resolve))
    wake()
    await arrived
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('the history is loaded', async (t) => {
    const { open, service } = await startOutboxes(t)
    await service.saveSession(newSession())
    t.equal((await open({ isOnline: () => false }).getSessions()).length, 1)
  })
})

t.test('retries a delivery automatically', async (t) => {
  await t.test('when the browser is online again', async (t) => {
    const { api, open } = await startOutboxes(t)
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
    const { api, open } = await startOutboxes(t)
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

t.test('a session that is saved again during its delivery is delivered with the new content', async (t) => {
  const { api, open, network } = await startOutboxes(t)
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
