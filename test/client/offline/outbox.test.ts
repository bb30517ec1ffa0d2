import t from 'tap'
import { createOutbox } from '../../../src/client/offline/index.ts'
import { startOutboxes, states } from '../helpers/outbox.ts'
import { newSession } from '../helpers/sessions.ts'
import { behaviours } from '../storage-service-suite.ts'

t.test('with a network it passes the shared suite of storage services', async (t) => {
  for (const [behaviour, run] of Object.entries(behaviours)) {
    // A refused session stays in the queue; separate tests below cover that.
    if (behaviour.includes('rejected')) continue
    await t.test(behaviour, async (t) => run((await startOutboxes(t, crypto.randomUUID())).open()))
  }
})

t.test('uses the Web Locks API where it is available', async (t) => {
  const names: string[] = []
  const locks = {
    request: async (name: string, work: () => Promise<unknown>) => {
      names.push(name)
      return await work()
    }
  } as unknown as LockManager
  const { api, open } = await startOutboxes(t)
  await open({ locks }).saveSession(newSession())
  t.equal(api.account('token').sessions.size, 1)
  t.ok(names.length > 0 && names.every((name) => name === 'harmony-helper-outbox:clara'))
})

t.test('without a network it shows the last loaded history', async (t) => {
  const { open, network, service } = await startOutboxes(t)
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

t.test('sessions of one account are never delivered to another', async (t) => {
  const { open, arrived } = await startOutboxes(t)
  const offline = { isOnline: () => false }
  await open({ account: 'anna', ...offline }).saveSession(newSession())
  const bert = open({ account: 'bert' })
  await bert.flush()
  t.strictSame([await bert.getSessions(), arrived()], [[], []])
})

t.test('can be created where there is no browser, and then calls the service', async (t) => {
  const { service } = await startOutboxes(t)
  const outbox = createOutbox(service, { account: 'clara' })
  const session = newSession()
  await outbox.saveSession(session)
  t.match(await outbox.getSessions(), [{ id: session.id }])
  outbox.close()
})
