import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import {
  ApiStorageService,
  StorageError,
  type ApiStorageOptions,
  type Clock,
  type SessionData,
  type StartedUpload
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
  const sessions = await outbox.getSessions()
  t.equal(sessions.filter(({ pending }) => pending === 'waiting' || pending === 'delayed').length, 5)
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
    await outbox.deleteSession(session.id)
    t.strictSame(await outbox.getSessions(), [], 'it waits for the network, and is no longer shown')
    t.equal(await outbox.getSessionById(session.id), null)
    api.fault = () => undefined
    await outbox.flush()
    t.equal(api.account('token').sessions.size, 0)
    t.strictSame(await outbox.getSessions(), [])
  })
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
    await t.test(`is set aside when ${reason}, and others pass it`, async (t) => {
      const { api, open } = await setUp(t)
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
    const { api, open } = await setUp(t)
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
    const { open } = await setUp(t, 'token', { directUploadBytes: 1 })
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

t.test('changes', async (t) => {
  const change = { songName: 'Für Elise', notes: 'slower', analysis: { scoreAccuracy: 99 } }

  await t.test('of a stored session wait for the network, and show at once', async (t) => {
    const { api, open, service, network } = await setUp(t)
    const session = newSession()
    await service.saveSession(session)
    const outbox = open()
    await outbox.getSessions()
    network.fail()
    await outbox.updateSession(session.id, change)
    await outbox.updateSession(session.id, { instrument: 'Violin' })
    const shown = { songName: 'Für Elise', instrument: 'Violin', scoreAccuracy: 99, pending: 'waiting' }
    t.match(await outbox.getSessions(), [shown])
    t.equal((await outbox.getSessions())[0]?.notes, undefined, 'a list has no notes')
    network.recover()
    api.requests.length = 0
    t.match(await outbox.getSessionById(session.id), { ...change, instrument: 'Violin', pending: 'waiting' })
    await outbox.flush()
    t.match(api.account('token').sessions.get(session.id), { ...change, instrument: 'Violin' })
    t.equal(api.requests.filter(({ method }) => method === 'PATCH').length, 1, 'merged')
    t.match(await outbox.getSessions(), [{ songName: 'Für Elise', pending: undefined }])
  })

  await t.test('of a session that was never sent become part of its save', async (t) => {
    const { api, open } = await setUp(t)
    const offline = open({ isOnline: () => false })
    const session = newSession({ audio: recording() })
    await offline.saveSession(session)
    await offline.updateSession(session.id, change)
    t.match(await offline.getSessionById(session.id), { ...change, pending: 'waiting' })
    await offline.flush()
    t.strictSame(
      api.requests.map(({ method }) => method).filter((method) => method !== 'GET'),
      ['POST']
    )
    t.match(api.account('token').sessions.get(session.id), { ...change, audio: /./ })
  })

  await t.test('of a session whose save may have arrived follow its save', async (t) => {
    const { api, open } = await setUp(t)
    const outbox = open()
    const session = newSession()
    api.fault = ({ method }) => (method === 'POST' ? 'lose' : undefined)
    await outbox.saveSession(session)
    await outbox.updateSession(session.id, change)
    api.fault = () => undefined
    await outbox.flush()
    t.match(api.account('token').sessions.get(session.id), change)
    t.match(await outbox.getSessions(), [{ songName: 'Für Elise', pending: undefined }])
  })

  await t.test('that the server refuses reject and are given up', async (t) => {
    const { api, open, service } = await setUp(t)
    const session = newSession()
    await service.saveSession(session)
    const outbox = open()
    await t.rejects(outbox.updateSession(session.id, { songName: ' ' }), { code: 'invalid_input' })
    await t.rejects(outbox.updateSession(crypto.randomUUID(), change), { code: 'session_not_found' })
    t.match(await outbox.getSessions(), [{ songName: 'Ode to Joy', pending: undefined }])
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('that are refused later show the reason, and can be given up', async (t) => {
    const { open, service } = await setUp(t)
    const session = newSession()
    await service.saveSession(session)
    const outbox = open({ isOnline: () => false })
    await outbox.updateSession(session.id, { songName: ' ' })
    await outbox.flush()
    t.match(await outbox.getSessions(), [{ pending: 'refused', refusal: { code: 'invalid_input' } }])
    await t.rejects(outbox.retry(session.id), { code: 'invalid_input' })
    await outbox.discard(session.id)
    t.match(await outbox.getSessions(), [{ songName: 'Ode to Joy', pending: undefined }])
  })

  await t.test('end with a deletion', async (t) => {
    const { api, open, service } = await setUp(t)
    const session = newSession()
    await service.saveSession(session)
    const outbox = open({ isOnline: () => false })
    await outbox.updateSession(session.id, change)
    await outbox.deleteSession(session.id)
    await t.rejects(outbox.updateSession(session.id, change), { code: 'session_not_found' })
    await outbox.saveSession({ ...session, songName: 'New' })
    t.match(await outbox.getSessions(), [{ songName: 'New', pending: 'waiting' }])
    await outbox.flush()
    t.match([...api.account('token').sessions.values()], [{ songName: 'New' }])
    t.equal(api.requests.filter(({ method }) => method === 'PATCH').length, 0)
  })
})

t.test('a deletion waits for the network, and is delivered once', async (t) => {
  const { api, open, service, network } = await setUp(t)
  const session = newSession()
  await service.saveSession(session)
  const outbox = open()
  await outbox.getSessions()
  network.fail()
  await outbox.deleteSession(session.id)
  t.strictSame(await outbox.getSessions(), [])
  t.equal(await open().getSessionById(session.id), null, 'also after a reload')
  network.recover()
  await Promise.all([outbox.flush(), open().flush()])
  t.equal(api.account('token').sessions.size, 0)
  t.equal(
    api.requests.filter(({ method }) => method === 'DELETE').at(-1)?.path,
    `/api/sessions/${session.id}`
  )
})

t.test('while the browser wrongly reports no network', async (t) => {
  await t.test('"send now" sends', async (t) => {
    const { api, open } = await setUp(t)
    const outbox = open({ isOnline: () => false })
    await outbox.saveSession(newSession())
    t.equal(api.account('token').sessions.size, 0)
    await outbox.flush()
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('what waits is tried after a pause', async (t) => {
    const { api, open } = await setUp(t)
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
    const { open, service } = await setUp(t)
    await service.saveSession(newSession())
    t.equal((await open({ isOnline: () => false }).getSessions()).length, 1)
  })
})

t.test('without a network it shows the last loaded history', async (t) => {
  const { open, network, service } = await setUp(t)
  network.fail()
  await t.rejects(
    open({ isOnline: () => false }).getSessions(),
    { code: 'network_error' },
    'rejects when no history was loaded and nothing is queued'
  )
  network.recover()
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

t.test('a resumable upload that has begun', async (t) => {
  const upload: StartedUpload = { uploadId: 'a', url: 'https://storage.test/a' }
  const session = newSession({ audio: recording() })

  /** A page that loses the network during the upload, and what the saves of the next page continue. */
  async function interrupt(t: Test) {
    const { open, service } = await setUp(t)
    const continued: Array<StartedUpload | undefined> = []
    service.saveSession = async (_, { startedUpload, onUploadStarted } = {}) => {
      continued.push(startedUpload)
      if (continued.length === 1) await onUploadStarted?.(upload)
      throw new StorageError(0, 'network_error', 'Gone')
    }
    const page = open()
    await page.saveSession(session)
    return { page, open, continued }
  }

  await t.test('is continued by the next page, also after a change of the session', async (t) => {
    const { page, open, continued } = await interrupt(t)
    await page.updateSession(session.id, { notes: 'slowly' })
    page.close()
    await open().flush()
    t.strictSame(continued[0], undefined)
    t.strictSame(continued.at(-1), upload)
  })

  await t.test('is given up when the session is saved with another recording', async (t) => {
    const { page, continued } = await interrupt(t)
    await page.saveSession({ ...session, audio: recording(2) })
    t.equal(continued.at(-1), undefined)
  })
})

t.test('a save that is being sent', async (t) => {
  /** Holds the requests that save, until `release`. */
  async function sending(t: Test) {
    const { open, service, ...browser } = await setUp(t)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    t.teardown(release)
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const save = service.saveSession.bind(service)
    let saves = 0
    service.saveSession = async (session, options = {}) => {
      if (saves++ > 0) return save(session, options)
      options.onProgress?.({ loaded: 1, total: 4 })
      begin()
      await Promise.race([
        held,
        new Promise((_resolve, reject) => {
          options.signal?.addEventListener('abort', () => reject(options.signal?.reason))
        })
      ])
      return save(session, options)
    }
    const outbox = open()
    const seen: unknown[] = []
    outbox.onSending((given) => seen.push(given))
    const session = newSession({ audio: recording(3, 2_000) })
    const kept: string[] = []
    const saved = outbox.saveSession(session, { onKept: () => kept.push('kept') })
    await begun
    return { ...browser, outbox, session, saved, kept, seen, release, saves: () => saves }
  }

  await t.test('is reported as kept before, and with its progress', async (t) => {
    const { outbox, session, saved, kept, seen, release } = await sending(t)
    t.strictSame(kept, ['kept'])
    t.strictSame(states(await outbox.getSessions()), [[session.id, 'waiting']])
    release()
    await saved
    t.strictSame(seen, [{ id: session.id }, { id: session.id, progress: { loaded: 1, total: 4 } }, undefined])
  })

  await t.test('reports its progress to each caller that waits for it', async (t) => {
    const { open, service } = await setUp(t)
    let release = () => {}
    const bothSaved = new Promise<void>((resolve) => {
      release = resolve
    })
    let sent = 0
    const seen: Record<string, number[]> = { first: [], second: [] }
    const outbox = open()
    await outbox.flush()
    const session = newSession()
    const save = (caller: string, onKept = () => {}) =>
      outbox.saveSession(session, { onKept, onProgress: ({ loaded }) => seen[caller]?.push(loaded) })
    let second: Promise<void> | undefined
    service.saveSession = async (_, options) => {
      const loaded = ++sent
      second ??= save('second', release)
      await bothSaved
      options?.onProgress?.({ loaded, total: 4 })
    }
    await save('first')
    await second
    t.strictSame(seen, { first: [1], second: [1, 2] })
  })

  await t.test('can be stopped, and is sent when it is tried again', async (t) => {
    const { api, outbox, session, saved, saves } = await sending(t)
    await outbox.stop(session.id)
    await saved
    t.strictSame(states(await outbox.getSessions()), [[session.id, 'stopped']])
    t.equal((await outbox.getUserStats()).total_minutes, 10, 'it counts')
    await outbox.flush()
    t.equal(saves(), 1, '"send now" leaves it')
    await outbox.retry(session.id)
    t.strictSame(states(await outbox.getSessions()), [[session.id, undefined]])
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('and was stopped does not wake the page', async (t) => {
    const { open } = await setUp(t)
    let pauses = 0
    const clock: Clock = { now: () => new Date(), sleep: () => new Promise(() => pauses++) }
    const locks = {
      request: async (_: string, work: () => Promise<unknown>) => await work()
    } as unknown as LockManager
    const outbox = open({ isOnline: () => false, clock, locks })
    const session = newSession()
    await outbox.saveSession(session)
    await outbox.stop(session.id)
    const before = pauses
    await outbox.flush()
    t.equal(pauses, before)
  })

  await t.test('is interrupted while the account is deleted, and not sent afterwards', async (t) => {
    const { api, outbox, saved, saves } = await sending(t)
    await outbox.withoutSending(async () => {
      api.account('token').sessions.clear()
      await outbox.forget({ unsent: true })
    })
    await saved
    await outbox.flush()
    t.equal(saves(), 1)
    t.equal(api.account('token').sessions.size, 0)
  })

  await t.test('waits while the account is being deleted, and is sent if that fails', async (t) => {
    const { api, outbox, session, saved, release } = await sending(t)
    release()
    const deletion = outbox.withoutSending(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      t.equal(api.account('token').sessions.size, 0)
      throw new Error('no network')
    })
    await t.rejects(deletion, { message: 'no network' })
    await saved
    await outbox.flush()
    t.strictSame([...api.account('token').sessions.keys()], [session.id])
  })

  await t.test('does not hold up others when it is stopped', async (t) => {
    const { api, outbox, session, saved } = await sending(t)
    const next = newSession()
    const other = outbox.saveSession(next)
    await outbox.stop(session.id)
    await Promise.all([saved, other])
    t.strictSame([...api.account('token').sessions.keys()], [next.id])
  })

  await t.test('ends when it is deleted', async (t) => {
    const { api, outbox, session, saved } = await sending(t)
    await outbox.deleteSession(session.id)
    await saved
    t.strictSame(await outbox.getSessions(), [])
    t.equal(api.account('token').sessions.size, 0)
  })
})

t.test('can be created where there is no browser, and then calls the service', async (t) => {
  const { service } = await setUp(t)
  const outbox = createOutbox(service, { account: 'clara' })
  const session = newSession()
  await outbox.saveSession(session)
  t.match(await outbox.getSessions(), [{ id: session.id }])
  outbox.close()
})

t.test('works without the queue', async (t) => {
  const failing = (open: () => IDBOpenDBRequest) => Object.assign(new IDBFactory(), { open })
  const databases = {
    'when IndexedDB is full': failing(() => {
      throw new DOMException('Full', 'QuotaExceededError')
    }),
    'when IndexedDB is refused': failing(() => {
      throw new DOMException('The operation is insecure', 'SecurityError')
    }),
    'when IndexedDB cannot be opened': failing(() => {
      const request = {} as IDBOpenDBRequest
      setTimeout(() => request.onerror?.(new Event('error')))
      return request
    }),
    'when IndexedDB is missing': undefined
  }
  for (const [when, indexedDB] of Object.entries(databases)) {
    await t.test(when, async (t) => {
      const { api, open } = await setUp(t)
      const outbox = open({ indexedDB } as { indexedDB: IDBFactory })
      const session = newSession()
      await outbox.saveSession(session)
      await outbox.updateSession(session.id, { songName: 'Für Elise' })
      t.match(await outbox.getSessions(), [{ songName: 'Für Elise' }])
      t.match(await outbox.getSessionById(session.id), { songName: 'Für Elise' })
      await outbox.deleteSession(session.id)
      t.equal(api.account('token').sessions.size, 0)
      api.fault = () => problem(503, 'storage_unavailable')
      await t.rejects(outbox.saveSession(session), { code: 'storage_unavailable' }, 'nothing keeps it')
    })
  }
})
