import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { problem } from '../helpers/fake-api.ts'
import { startOutboxes, states } from '../helpers/outbox.ts'
import { hex, newSession, recording, recordingOf } from '../helpers/sessions.ts'

/** Saves a session whose save arrives, but not its answer. */
async function saveWithLostAnswer(t: Test) {
  const { api, open } = await startOutboxes(t)
  const outbox = open()
  const session = newSession()
  api.fault = ({ method }) => (method === 'POST' ? 'lose' : undefined)
  await outbox.saveSession(session)
  return { api, outbox, session }
}

t.test(
  'without a network a save is queued, shown as waiting, and later delivered with its recording',
  async (t) => {
    const { api, open, network } = await startOutboxes(t)
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

t.test(
  'a session that the server refuses stays in the queue with the reason and blocks no other',
  async (t) => {
    const { api, open, network } = await startOutboxes(t)
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

t.test('deleting a waiting session', async (t) => {
  await t.test('needs no network when it was never sent', async (t) => {
    const { open, network, arrived } = await startOutboxes(t)
    const outbox = open({ isOnline: () => false })
    const session = newSession()
    await outbox.saveSession(session)
    network.fail()
    await outbox.deleteSession(session.id)
    t.equal(await open({ isOnline: () => true }).flush(), undefined)
    t.strictSame(arrived(), [])
  })

  await t.test('deletes it on the server when it may have been delivered', async (t) => {
    const { api, outbox, session } = await saveWithLostAnswer(t)
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

t.test('changes', async (t) => {
  const change = { songName: 'Für Elise', notes: 'slower', analysis: { scoreAccuracy: 99 } }

  await t.test('of a stored session wait for the network, and show at once', async (t) => {
    const { api, open, service, network } = await startOutboxes(t)
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
    const { api, open } = await startOutboxes(t)
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
    const { api, outbox, session } = await saveWithLostAnswer(t)
    await outbox.updateSession(session.id, change)
    api.fault = () => undefined
    await outbox.flush()
    t.match(api.account('token').sessions.get(session.id), change)
    t.match(await outbox.getSessions(), [{ songName: 'Für Elise', pending: undefined }])
  })

  await t.test('that the server refuses reject and are given up', async (t) => {
    const { api, open, service } = await startOutboxes(t)
    const session = newSession()
    await service.saveSession(session)
    const outbox = open()
    await t.rejects(outbox.updateSession(session.id, { songName: ' ' }), { code: 'invalid_input' })
    await t.rejects(outbox.updateSession(crypto.randomUUID(), change), { code: 'session_not_found' })
    t.match(await outbox.getSessions(), [{ songName: 'Ode to Joy', pending: undefined }])
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('that are refused later show the reason, and can be given up', async (t) => {
    const { open, service } = await startOutboxes(t)
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
    const { api, open, service } = await startOutboxes(t)
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
  const { api, open, service, network } = await startOutboxes(t)
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
      const { api, open } = await startOutboxes(t)
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
