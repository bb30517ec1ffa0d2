import t, { type Test } from 'tap'
import { ApiStorageService, type ApiStorageOptions, type Clock } from '../../src/client/index.ts'
import { problem, startFakeApi, type Fault } from './helpers/fake-api.ts'
import { newSession, recording } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

const profile = { sub: 'auth0|1', email: 'clara@example.com', name: 'Clara', picture: '' }

/** A service on the fake API. `waits` collects the pauses between its attempts, which take no time. */
async function setUp(t: Test, options: Partial<ApiStorageOptions> = {}) {
  const api = await startFakeApi()
  t.teardown(api.kill)
  const waits: number[] = []
  const clock: Clock = {
    now: () => new Date(),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      waits.push(milliseconds)
    }
  }
  const service = new ApiStorageService({
    baseUrl: api.baseUrl,
    getAccessToken: async () => 'token',
    clock,
    ...options
  })
  return { api, service, waits }
}

/** Returns each fault once, in order, and then none. */
function once(...faults: ReturnType<Fault>[]): Fault {
  return () => faults.shift()
}

t.test('passes the shared suite of storage services', async (t) => {
  const { api } = await setUp(t)
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const token = crypto.randomUUID()
    await t.test(behaviour, () =>
      run(new ApiStorageService({ baseUrl: api.baseUrl, getAccessToken: async () => token }))
    )
  }
})

t.test('a save whose response was lost is stored once', async (t) => {
  const { api, service } = await setUp(t)
  api.fault = once('lose', 'lose')
  await service.saveSession(newSession({ audio: recording() }))
  t.equal(api.account('token').sessions.size, 1)
  t.equal(api.requests.length, 3)
})

t.test('a delete whose response was lost succeeds', async (t) => {
  const { api, service } = await setUp(t)
  const session = newSession()
  await service.saveSession(session)
  api.fault = once('lose')
  await service.deleteSession(session.id)
  t.equal(api.account('token').sessions.size, 0)
})

t.test('a deletion goes on when the user leaves the page, and only a deletion', async (t) => {
  const seen: [string, boolean][] = []
  const { service } = await setUp(t, {
    fetch: async (_, { method, keepalive }) => {
      seen.push([method, keepalive])
      return new Response(method === 'GET' ? '[]' : null, { status: method === 'GET' ? 200 : 204 })
    }
  })
  await service.getSessions()
  await service.deleteSession(crypto.randomUUID())
  t.strictSame(seen, [
    ['GET', false],
    ['DELETE', true]
  ])
})

t.test('waits for the time in Retry-After before a retry', async (t) => {
  const { api, service, waits } = await setUp(t)
  api.fault = once(problem(503, 'storage_unavailable', { 'retry-after': '7' }), problem(429, 'http_429'))
  t.strictSame(await service.getSessions(), [])
  t.equal(waits[0], 7000)
  t.ok(
    waits[1] && waits[1] >= 500 && waits[1] <= 1000,
    'without Retry-After, twice the previous pause with jitter'
  )
})

t.test('rejects at once when Retry-After is longer than 30 seconds', async (t) => {
  const { api, service, waits } = await setUp(t)
  api.fault = () => problem(503, 'database_unavailable', { 'retry-after': '120' })
  await t.rejects(service.getSessions(), {
    name: 'StorageError',
    status: 503,
    code: 'database_unavailable',
    detail: 'Because of database_unavailable',
    retryAfter: 120
  })
  t.strictSame(waits, [])
})

t.test('without a network it rejects with network_error after four attempts', async (t) => {
  const { api, service, waits } = await setUp(t)
  await api.kill()
  t.teardown(api.start)
  await t.rejects(service.saveSession(newSession()), {
    name: 'StorageError',
    status: 0,
    code: 'network_error'
  })
  t.equal(waits.length, 3)
})

t.test('a server that accepts the request and never responds times out', async (t) => {
  const { service, waits } = await setUp(t, {
    timeoutMs: 20,
    fetch: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.onabort = () => reject(signal.reason)
      })
  })
  // The timer of AbortSignal.timeout is unreferenced and does not keep Node running.
  const keepAlive = setTimeout(() => {}, 5000)
  await t.rejects(service.getSessions(), { status: 0, code: 'network_error' })
  clearTimeout(keepAlive)
  t.equal(waits.length, 3)
})

t.test('a request that the server rejects is not repeated', async (t) => {
  const { api, service } = await setUp(t)
  for (const [status, code] of [
    [400, 'invalid_input'],
    [413, 'recording_too_large'],
    [415, 'unsupported_recording'],
    [500, 'internal_error']
  ] as const) {
    api.fault = () => problem(status, code)
    await t.rejects(service.saveSession(newSession()), { status, code, detail: `Because of ${code}` })
  }
  t.equal(api.requests.length, 4)
})

t.test('a response from another server is an error', async (t) => {
  const { api, service } = await setUp(t)
  const page = { status: 200, body: '<html>Welcome to our hotel</html>' }
  api.fault = () => page
  await t.rejects(service.saveSession(newSession()), { code: 'unexpected_answer', status: 200 })
  await t.rejects(service.getSessions(), { code: 'unexpected_answer' })
  api.fault = () => ({ status: 404, body: page.body })
  await t.rejects(service.getSessions(), { code: 'http_404', status: 404 })
})

t.test('a 404 for an unknown route is an error, not a missing session', async (t) => {
  const { api, service } = await setUp(t)
  api.fault = () => problem(404, 'route_not_found')
  await t.rejects(service.getSessionById(crypto.randomUUID()), { code: 'route_not_found' })
  await t.rejects(service.deleteSession(crypto.randomUUID()), { code: 'route_not_found' })
})

t.test('tokens', async (t) => {
  await t.test('concurrent requests that get 401 share one token refresh', async (t) => {
    const cacheModes: string[] = []
    let rejected = 0
    let resolveAllRejected = () => {}
    const allRejected = new Promise<void>((resolve) => {
      resolveAllRejected = resolve
    })
    const { api, service } = await setUp(t, {
      getAccessToken: async ({ cacheMode }) => {
        cacheModes.push(cacheMode)
        if (cacheMode === 'on') return 'stale'
        await allRejected
        return 'fresh'
      }
    })
    api.fault = ({ token }) => {
      if (token !== 'stale') return undefined
      if (++rejected === 3) setTimeout(resolveAllRejected, 200) // the last response is being sent
      return problem(401, 'invalid_token')
    }
    await Promise.all([service.getSessions(), service.getUserStats(), service.getSessions()])
    t.strictSame(cacheModes, ['on', 'on', 'on', 'off'])
  })

  await t.test('a 401 for a fresh token is an error', async (t) => {
    const { api, service } = await setUp(t)
    api.fault = () => problem(401, 'invalid_token')
    await t.rejects(service.getSessions(), { status: 401, code: 'invalid_token' })
    t.equal(api.requests.length, 2)
  })

  await t.test('a failure to get a token is a no_token error', async (t) => {
    const { api, service } = await setUp(t, {
      getAccessToken: () => Promise.reject(new Error('login_required'))
    })
    await t.rejects(service.getSessions(), {
      status: 401,
      code: 'no_token',
      cause: { message: 'login_required' }
    })
    t.equal(api.requests.length, 0)
  })

  await t.test('an undefined token is a no_token error', async (t) => {
    const { api, service } = await setUp(t, { getAccessToken: async () => undefined })
    await t.rejects(service.getSessions(), { status: 401, code: 'no_token' })
    t.equal(api.requests.length, 0)
  })

  await t.test('an undefined fresh token is a no_token error', async (t) => {
    const { api, service } = await setUp(t, {
      getAccessToken: async ({ cacheMode }) => (cacheMode === 'on' ? 'stale' : undefined)
    })
    api.fault = () => problem(401, 'invalid_token')
    await t.rejects(service.getSessions(), { status: 401, code: 'no_token' })
    t.equal(api.requests.length, 1)
  })

  await t.test('a token that does not arrive is a network_error', async (t) => {
    const { api, service, waits } = await setUp(t, {
      timeoutMs: 20,
      getAccessToken: () => new Promise(() => {})
    })
    await t.rejects(service.getSessions(), { status: 0, code: 'network_error' })
    t.equal(waits.length, 3)
    t.equal(api.requests.length, 0)
  })

  await t.test('a refresh that hangs is repeated after the time limit', async (t) => {
    let refreshes = 0
    const { api, service } = await setUp(t, {
      timeoutMs: 200,
      getAccessToken: async ({ cacheMode }) => {
        if (cacheMode === 'on') return 'stale'
        return ++refreshes === 1 ? new Promise(() => {}) : 'fresh'
      }
    })
    api.fault = ({ token }) => (token === 'stale' ? problem(401, 'invalid_token') : undefined)
    t.strictSame(await service.getSessions(), [])
    t.equal(refreshes, 2)
  })
})

t.test('users', async (t) => {
  await t.test('concurrent first saves of a new user sync the user once', async (t) => {
    const { api, service } = await setUp(t, {
      getAccessToken: async () => 'new',
      getProfile: () => profile,
      timeZone: 'Europe/Berlin'
    })
    await Promise.all([service.saveSession(newSession()), service.saveSession(newSession())])
    const syncs = api.requests.filter(({ path }) => path === '/api/users/sync')
    t.strictSame(
      syncs.map(({ body }) => JSON.parse(body)),
      [
        {
          auth0_id: 'auth0|1',
          email: 'clara@example.com',
          name: 'Clara',
          picture: '',
          timeZone: 'Europe/Berlin'
        }
      ]
    )
    t.equal(api.account('new').sessions.size, 2)
  })

  await t.test('without a profile a save of a new user rejects with user_not_synced', async (t) => {
    const { service } = await setUp(t, { getAccessToken: async () => 'new' })
    await t.rejects(service.saveSession(newSession()), { status: 409, code: 'user_not_synced' })
  })

  await t.test('stats are requested in the time zone of the browser', async (t) => {
    const { api, service } = await setUp(t, { timeZone: 'America/New_York' })
    await service.getUserStats()
    t.equal(api.requests[0]?.path, '/api/stats?tz=America%2FNew_York')
  })
})

t.test('an aborted signal', async (t) => {
  await t.test('stops a running upload', async (t) => {
    const { api, service } = await setUp(t)
    const controller = new AbortController()
    api.fault = () => {
      controller.abort()
      return undefined
    }
    await t.rejects(service.saveSession(newSession(), { signal: controller.signal }), { name: 'AbortError' })
  })

  await t.test('stops a call that waits for its token', async (t) => {
    const controller = new AbortController()
    const { api, service } = await setUp(t, {
      getAccessToken: () => {
        setTimeout(() => controller.abort())
        return new Promise(() => {})
      }
    })
    await t.rejects(service.getSessions({ signal: controller.signal }), { name: 'AbortError' })
    await t.rejects(service.getSessions({ signal: controller.signal }), { name: 'AbortError' })
    t.equal(api.requests.length, 0)
  })

  await t.test('stops a call before any request is sent', async (t) => {
    const { api, service } = await setUp(t)
    await t.rejects(service.getSessions({ signal: AbortSignal.abort() }), { name: 'AbortError' })
    t.equal(api.requests.length, 0)
  })
})
