import t from 'tap'
import { createAccountService } from '../../../src/client/account/index.ts'
import { FetchingXhr } from '../helpers/fetching-xhr.ts'

type Sent = { method: string; path: string; token: string; type: string | null; body: string }

/** A service whose requests get these answers, one after the other. */
function serve(...answers: Response[]) {
  const sent: Sent[] = []
  const service = createAccountService({
    baseUrl: 'https://api.example/',
    getAccessToken: async ({ cacheMode }) => (cacheMode === 'off' ? 'fresh' : 'cached'),
    clock: { now: () => new Date(), sleep: async () => {} },
    fetch: async (url, { method, headers, body, signal }) => {
      signal.throwIfAborted()
      const { authorization = '', 'content-type': type = null } = headers
      const { pathname: path } = new URL(url)
      sent.push({ method, path, token: authorization, type, body: (await body?.text()) ?? '' })
      const answer = answers.shift()
      if (!answer) throw new TypeError('no network')
      return answer
    }
  })
  return { service, sent }
}

const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status })
const account = () => json({ session_count: 2, total_minutes: 30 })
const problem = (status: number, code: string) => json({ status, code, detail: 'Do this.' }, status)

t.test('getAccount reads what the account holds', async (t) => {
  const { service, sent } = serve(account())
  t.match(await service.getAccount(), { session_count: 2, total_minutes: 30 })
  t.strictSame(sent, [{ method: 'GET', path: '/api/users/me', token: 'Bearer cached', type: null, body: '' }])
})

t.test('exportArchive resolves with the answer while it arrives', async (t) => {
  const { service, sent } = serve(account(), new Response('PK'))
  const response = await service.exportArchive()
  t.equal(response.bodyUsed, false)
  t.equal(await response.text(), 'PK')
  t.match(sent[1], { method: 'GET', path: '/api/users/me/export', token: 'Bearer cached' })
})

t.test('a user without an account gets the error before anything is sent', async (t) => {
  const { service, sent } = serve(problem(409, 'user_not_synced'), problem(409, 'user_not_synced'))
  await t.rejects(service.exportArchive(), { status: 409, code: 'user_not_synced', detail: 'Do this.' })
  await t.rejects(service.importArchive(new Blob(['PK'])), { code: 'user_not_synced' })
  t.equal(sent.length, 2)
})

t.test('an export that the server refuses rejects, and one that it may take later is repeated', async (t) => {
  const { service } = serve(account(), problem(503, 'server_busy'), new Response('PK'))
  t.equal(await (await service.exportArchive()).text(), 'PK')
  const refused = serve(account(), problem(403, 'blocked')).service
  await t.rejects(refused.exportArchive(), { status: 403, code: 'blocked' })
})

t.test('importArchive sends the archive once, and resolves with what became of it', async (t) => {
  const summary = { imported: 2, already_there: 0, refused: 0, recordings_missing: 0, problems: [] }
  const { service, sent } = serve(account(), json(summary), account())
  t.strictSame(await service.importArchive(new Blob(['PK'])), summary)
  t.match(sent[1], { method: 'POST', path: '/api/users/me/import', type: 'application/zip', body: 'PK' })
  await t.rejects(service.importArchive(new Blob(['PK'])), { status: 0, code: 'network_error' })
  t.equal(sent.length, 4, 'an archive may be large: it is not sent again without the user')
})

t.test('importArchive reports the bytes that were sent', async (t) => {
  const { fetch } = globalThis
  t.teardown(() => Object.assign(globalThis, { fetch }))
  globalThis.fetch = async () => json({ imported: 1 })
  const service = createAccountService({ getAccessToken: async () => 'token', XMLHttpRequest: FetchingXhr })
  const progress: number[] = []
  await service.importArchive(new Blob(['PK..']), { onProgress: ({ loaded }) => progress.push(loaded) })
  t.strictSame(progress, [2, 4])
})

t.test('deleteAccount is repeated while the storage is unavailable, and with a fresh token', async (t) => {
  const gone = new Response(null, { status: 204 })
  const { service, sent } = serve(problem(503, 'storage_unavailable'), problem(401, 'invalid_token'), gone)
  t.equal(await service.deleteAccount(), undefined)
  t.strictSame(
    sent.map(({ method, path, token }) => `${method} ${path} ${token}`),
    ['cached', 'cached', 'fresh'].map((token) => `DELETE /api/users/me Bearer ${token}`)
  )
})

t.test('aborting rejects with the reason', async (t) => {
  const { service, sent } = serve(account())
  const signal = AbortSignal.abort(new Error('stopped'))
  await t.rejects(service.deleteAccount({ signal }), { message: 'stopped' })
  t.strictSame(sent, [])
})
