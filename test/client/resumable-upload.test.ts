import t, { type Test } from 'tap'
import {
  ApiStorageService,
  type ApiStorageOptions,
  type Clock,
  type SaveOptions,
  type SessionData,
  type StartedUpload
} from '../../src/client/index.ts'
import { CHUNK_BYTES } from '../../src/client/resumable-upload.ts'
import { FetchingXhr } from './helpers/fetching-xhr.ts'
import { startFakeApi, type Fault } from './helpers/fake-api.ts'
import { TUS_PATH } from './helpers/fake-tus.ts'
import { hex, newSession, recording } from './helpers/sessions.ts'

const clock: Clock = { now: () => new Date(), sleep: async (_, signal) => signal?.throwIfAborted() }
const BYTES = 2 * CHUNK_BYTES + 1000
const audio = recording(1, BYTES)
const expected = await hex(audio)

const chunk = (index: number) =>
  `PATCH ${index * CHUNK_BYTES}+${Math.min(CHUNK_BYTES, BYTES - index * CHUNK_BYTES)}`

/** A session with a recording of three chunks, and an account on the fake API. */
async function setUp(t: Test) {
  const api = await startFakeApi()
  t.teardown(api.kill)
  const session: SessionData = newSession({ audio })
  return {
    api,
    /** Saves the session with a service without state, as after a reload. */
    save(options: SaveOptions = {}, given: Partial<ApiStorageOptions> = {}) {
      const account = { baseUrl: api.baseUrl, getAccessToken: async () => 'token' }
      return new ApiStorageService({ ...account, clock, ...given }).saveSession(session, options)
    },
    async expectStored(t: Test) {
      const stored = api.account('token').sessions.get(session.id)
      t.equal(
        await hex(new Blob([Buffer.from(stored?.audio ?? '', 'base64')])),
        expected,
        'the recording is stored'
      )
    },
    count: (method: string, path: RegExp) =>
      api.requests.filter((request) => request.method === method && path.test(request.path)).length
  }
}

/** A fault of the requests of TUS with this method: of the first `times` after the first `skipped`. */
function at(method: string, fault: ReturnType<Fault>, times = Infinity, skipped = 0): Fault {
  let seen = 0
  return (request) => {
    if (request.method !== method || !request.path.startsWith(TUS_PATH)) return undefined
    return ++seen > skipped && seen <= skipped + times ? fault : undefined
  }
}

t.test('a recording of several chunks is uploaded chunk by chunk', async (t) => {
  const { api, save, expectStored, count } = await setUp(t)
  await save()
  t.strictSame(api.tus.taken(), ['POST', chunk(0), chunk(1), chunk(2)])
  t.equal(count('PUT', /./), 0)
  await expectStored(t)
})

t.test('after a lost connection', async (t) => {
  await t.test('a chunk that did not arrive is sent again', async (t) => {
    const { api, save, expectStored } = await setUp(t)
    api.fault = at('PATCH', 'cut', 1, 1)
    await save()
    t.strictSame(api.tus.taken(), ['POST', chunk(0), 'HEAD', chunk(1), chunk(2)])
    await expectStored(t)
  })

  await t.test('a chunk that arrived is not sent again', async (t) => {
    const { api, save, expectStored } = await setUp(t)
    api.fault = at('PATCH', 'lose', 2)
    await save()
    t.strictSame(api.tus.taken(), ['POST', chunk(0), 'HEAD', chunk(1), 'HEAD', chunk(2)])
    await expectStored(t)
  })

  await t.test('an upload that has ended is completed', async (t) => {
    const { api, save, expectStored } = await setUp(t)
    api.fault = at('PATCH', 'lose', 1, 2)
    await save()
    t.strictSame(api.tus.taken(), ['POST', chunk(0), chunk(1), chunk(2), 'HEAD'])
    await expectStored(t)
  })
})

t.test('the token is renewed', async (t) => {
  const renewals = (api: { requests: { path: string; body: string }[] }) =>
    api.requests.filter(({ path, body }) => path.endsWith('/recording') && body.includes('"uploadId"')).length

  await t.test('before it expires', async (t) => {
    const { api, save, expectStored } = await setUp(t)
    api.tokenLifeMs = 9_000
    await save()
    t.equal(renewals(api), 4, 'with each request')
    await expectStored(t)
  })

  await t.test('when the storage refuses it', async (t) => {
    const { api, save, expectStored } = await setUp(t)
    api.fault = at('PATCH', { status: 400, body: 'jwt expired' }, 1, 1)
    await save()
    t.equal(renewals(api), 1)
    await expectStored(t)
  })
})

t.test('an interrupted upload', async (t) => {
  /** An upload of which one chunk has arrived. */
  async function interrupt(t: Test) {
    const account = await setUp(t)
    const { api, save } = account
    let startedUpload: StartedUpload | undefined
    api.fault = at('PATCH', 'cut', Infinity, 1)
    const onUploadStarted = async (upload: StartedUpload) => {
      startedUpload = upload
    }
    await t.rejects(save({ onUploadStarted }), { code: 'network_error' })
    t.equal(account.count('PUT', /./), 0, 'no bytes are sent twice')
    api.fault = () => undefined
    api.tus.taken()
    return { ...account, startedUpload: startedUpload! }
  }

  await t.test('is continued by a later save', async (t) => {
    const { api, save, startedUpload, expectStored } = await interrupt(t)
    await save({ startedUpload })
    t.strictSame(api.tus.taken(), ['HEAD', chunk(1), chunk(2)])
    await expectStored(t)
  })

  await t.test('sends nothing while the storage cannot tell what has arrived', async (t) => {
    const { api, save, startedUpload, expectStored, count } = await interrupt(t)
    api.fault = at('HEAD', 'cut')
    await t.rejects(save({ startedUpload }), { code: 'network_error' })
    t.equal(count('PUT', /./), 0)
    api.fault = () => undefined
    api.tus.taken()
    await save({ startedUpload })
    t.strictSame(api.tus.taken(), ['HEAD', chunk(1), chunk(2)])
    await expectStored(t)
  })

  await t.test('begins anew when it has expired', async (t) => {
    const { api, save, startedUpload, expectStored } = await interrupt(t)
    api.tus.forget()
    await save({ startedUpload })
    t.strictSame(api.tus.taken(), ['HEAD', 'POST', chunk(0), chunk(1), chunk(2)])
    await expectStored(t)
  })

  await t.test('begins anew when another upload has replaced it', async (t) => {
    const { api, save, startedUpload, expectStored } = await interrupt(t)
    api.account('token').uploads.clear()
    await save({ startedUpload })
    t.strictSame(api.tus.taken(), ['POST', chunk(0), chunk(1), chunk(2)])
    await expectStored(t)
  })
})

t.test('the recording is sent by PUT', async (t) => {
  const reasons: Array<[why: string, fault: Fault]> = [
    ['when the storage has no resumable uploads', at('POST', { status: 404 })],
    ['when the page may not read the URL of the upload', at('POST', { status: 201 })],
    ['when a proxy refuses every chunk', at('PATCH', { status: 403, body: '<html>' })],
    ['when a proxy cuts every chunk', at('PATCH', 'cut')]
  ]
  for (const [why, fault] of reasons) {
    await t.test(why, async (t) => {
      const { api, save, expectStored, count } = await setUp(t)
      api.fault = fault
      await save()
      t.equal(count('PUT', /storage/), 1)
      await expectStored(t)
    })
  }
})

t.test('progress counts what has arrived, and only increases', async (t) => {
  const { api, save } = await setUp(t)
  api.fault = at('PATCH', 'cut', 1, 1)
  const loaded: number[] = []
  await save({ onProgress: (progress) => loaded.push(progress.loaded) }, { XMLHttpRequest: FetchingXhr })
  t.strictSame(
    loaded,
    [0.5, 1, 1.5, 2]
      .map((chunks) => Math.floor(((chunks * CHUNK_BYTES) / BYTES) * (BYTES - 1)))
      .concat(BYTES - 501, BYTES - 1, BYTES)
  )
})

t.test('an abort stops the upload', async (t) => {
  const { api, save } = await setUp(t)
  const controller = new AbortController()
  api.fault = (request) => {
    if (request.method === 'PATCH') controller.abort()
    return undefined
  }
  await t.rejects(save({ signal: controller.signal }), { name: 'AbortError' })
  t.strictSame(api.tus.taken(), ['POST', chunk(0)])
})
