import { IDBFactory } from 'fake-indexeddb'
import t, { type Test } from 'tap'
import { ApiStorageService } from '../../src/client/index.ts'
import { createOutbox } from '../../src/client/offline/index.ts'
import { CHUNK_BYTES } from '../../src/client/resumable-upload.ts'
import { build, startServices } from '../helpers/app.ts'
import { startCuttingProxy } from './helpers/cutting-proxy.ts'
import { newAccount } from './helpers/real-api.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'

const BYTES = 60_000_000
const audio = recording(1, BYTES)

/** The real server, with a connection to the object storage that is cut every 8 MB. */
async function setUp(t: Test) {
  const services = await startServices(t)
  const proxy = await startCuttingProxy(t, services.storage.url, 8_000_000)
  const { app } = await build(t, {
    services,
    env: { SUPABASE_URL: proxy.url, MAX_RECORDING_BYTES: String(BYTES) }
  })
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 })
  const { token, profile } = newAccount(services.issuer.token)
  /** The requests to the storage. */
  const requests: string[] = []
  /** Closes the tab when it sends this chunk. */
  const tab = { closesAt: Infinity }

  const newService = () =>
    new ApiStorageService({
      baseUrl,
      getAccessToken: async () => token,
      getProfile: () => profile,
      fetch: async (url, init) => {
        if (!url.startsWith(baseUrl)) requests.push(init.method)
        const chunks = requests.filter((method) => method === 'PATCH').length
        if (chunks >= tab.closesAt) throw new TypeError('The tab was closed')
        return fetch(url, init)
      }
    })

  async function expectStored(t: Test, id: string) {
    const stored = await newService().getSessionById(id)
    t.equal(stored && (await recordingOf(stored)), await hex(audio), 'the recording is stored')
    t.notOk(requests.includes('PUT'))
    t.equal(requests.filter((method) => method === 'POST').length, 1, 'it was begun once')
    t.ok(proxy.cuts >= 3, `${proxy.cuts} cuts`) // not 7, because fetch opens new connections at times
    const again = proxy.bytes - BYTES
    t.comment(`${again} bytes sent again, or as headers, in ${proxy.cuts} cuts`)
    t.ok(again < proxy.cuts * CHUNK_BYTES, 'of each cut at most one chunk is sent again')
  }
  return { newService, requests, tab, expectStored }
}

t.test('a recording of 60 MB arrives over a connection that is cut every 8 MB', async (t) => {
  const { newService, expectStored } = await setUp(t)
  const session = newSession({ audio })
  await newService().saveSession(session)
  await expectStored(t, session.id)
})

t.test('after its tab was closed, another one over the same database continues', async (t) => {
  const { newService, tab, expectStored } = await setUp(t)
  const indexedDB = new IDBFactory()
  const open = () => {
    const outbox = createOutbox(newService(), {
      account: 'clara',
      indexedDB,
      locks: undefined,
      events: new EventTarget()
    })
    t.teardown(() => outbox.close())
    return outbox
  }
  const session = newSession({ audio })
  tab.closesAt = 4
  const closed = open()
  await closed.saveSession(session)
  closed.close()
  t.match(await closed.getSessions(), [{ id: session.id, pending: 'waiting' }])

  tab.closesAt = Infinity
  await open().flush()
  await expectStored(t, session.id)
})
