import fc from 'fast-check'
import t, { type Test } from 'tap'
import { runsOf } from '../helpers/property-runs.ts'
import { ApiStorageService, type ApiStorageOptions, type Clock } from '../../src/client/index.ts'
import { problem, startFakeApi, type Fault } from './helpers/fake-api.ts'
import { FetchingXhr } from './helpers/fetching-xhr.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

const clock: Clock = { now: () => new Date(), sleep: async (_, signal) => signal?.throwIfAborted() }
const STEPS = ['POST /api/sessions', 'POST recording', 'PUT storage', 'POST complete'] as const
const INLINE = 'POST /api/sessions inline'
const FALLBACK = ['POST /api/sessions', 'DELETE session', INLINE]

/**
 * The fake API, and services that upload every recording directly. Each service starts without state, as
 * after a reload.
 */
async function setUp(t: Test) {
  const api = await startFakeApi()
  t.teardown(api.kill)
  const token = 'token'
  const newService = (options: Partial<ApiStorageOptions> = {}) =>
    new ApiStorageService({
      baseUrl: api.baseUrl,
      getAccessToken: async () => token,
      clock,
      directUploadBytes: 1,
      ...options
    })

  /** The requests since the last call. */
  const steps = () =>
    api.requests
      .splice(0)
      .map((request) => nameOf(request) + (request.body.includes('"audioBase64"') ? ' inline' : ''))

  async function expectStored(t: Test, { id }: { id: string }, audio: Blob) {
    const stored = await newService({ directUploadBytes: Infinity }).getSessionById(id)
    t.equal(stored && (await recordingOf(stored)), await hex(audio), 'session and recording are stored')
    t.equal(api.account(token).sessions.size, 1, 'once')
    api.requests.length = 0
  }

  return { api, newService, steps, expectStored }
}

function nameOf({ method, path }: { method: string; path: string }): string {
  if (path === '/api/sessions') return `${method} ${path}`
  return `${method} ${/(recording|storage|complete)(?=[^/]*$)/.exec(path)?.[0] ?? /storage|recordings/.exec(path)?.[0] ?? 'session'}`
}

/** A fault at one step: always, or the first `times` times. */
const at =
  (step: string, fault: ReturnType<Fault>, times = Infinity): Fault =>
  (request) =>
    nameOf(request) === step && times-- > 0 ? fault : undefined
const both =
  (...faults: Fault[]): Fault =>
  (request) =>
    faults.map((fault) => fault(request)).find(Boolean)

t.test('passes the shared suite of storage services', async (t) => {
  const { newService } = await setUp(t)
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const token = crypto.randomUUID()
    await t.test(behaviour, () => run(newService({ getAccessToken: async () => token })))
  }
})

t.test('passes the shared suite inline when the object storage cannot be reached', async (t) => {
  const { api, newService } = await setUp(t)
  api.fault = at('PUT storage', 'cut')
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const token = crypto.randomUUID()
    await t.test(behaviour, () => run(newService({ getAccessToken: async () => token })))
  }
})

t.test('a large recording is uploaded directly, a small one is sent inline', async (t) => {
  const { newService, steps, expectStored } = await setUp(t)
  const service = newService({ directUploadBytes: 70_001 })
  const large = newSession({ audio: recording(1, 70_001) })
  await service.saveSession(large)
  t.strictSame(steps(), STEPS)
  await expectStored(t, large, recording(1, 70_001))
  await service.deleteSession(large.id)
  steps()
  const small = newSession({ audio: recording(1, 70_000) })
  await service.saveSession(small)
  t.strictSame(steps(), [INLINE])
  await expectStored(t, small, recording(1, 70_000))
})

t.test('the id of the session is encoded in every path', async (t) => {
  const { api, newService } = await setUp(t)
  api.fault = at('POST recording', problem(413, 'recording_too_large'))
  const session = newSession({ id: 'a/b', audio: recording() })
  await t.rejects(newService().saveSession(session), { code: 'recording_too_large' })
  t.strictSame(
    api.requests.map(({ path }) => path),
    ['/api/sessions', '/api/sessions/a%2Fb/recording', '/api/sessions/a%2Fb']
  )
})

t.test('a repeated save', async (t) => {
  await t.test('sends no recording again when everything is stored', async (t) => {
    const { newService, steps, expectStored } = await setUp(t)
    const session = newSession({ audio: recording() })
    await newService().saveSession(session)
    steps()
    await newService().saveSession(session)
    t.strictSame(steps(), ['POST /api/sessions', 'GET recordings'])
    await expectStored(t, session, recording())
  })

  for (const step of STEPS) {
    await t.test(`completes the session after the response of ${step} was lost`, async (t) => {
      const { api, newService, expectStored } = await setUp(t)
      const session = newSession({ audio: recording() })
      api.fault = both(at(step, 'lose'), at('POST complete', 'lose'))
      await t.rejects(newService().saveSession(session), { code: 'network_error', status: 0 })
      api.fault = () => undefined
      await newService().saveSession(session)
      await expectStored(t, session, recording())
    })
  }

  await t.test('finds a session that was saved inline although that response was lost', async (t) => {
    const { api, newService, steps, expectStored } = await setUp(t)
    const session = newSession({ audio: recording() })
    const isInline = () => api.requests.at(-1)?.body.includes('"audioBase64"')
    const blocked = at('PUT storage', { status: 403, body: {} })
    api.fault = (request) => (isInline() ? 'lose' : blocked(request))
    await t.rejects(newService().saveSession(session), { code: 'network_error' })
    steps()
    api.fault = () => undefined
    await newService().saveSession(session)
    t.strictSame(steps(), ['POST /api/sessions', INLINE])
    await expectStored(t, session, recording())
  })

  await t.test(
    'rejects with recording_unreachable, not id_reused, when the recording cannot be read',
    async (t) => {
      const { api, newService } = await setUp(t)
      const session = newSession({ audio: recording() })
      await newService().saveSession(session)
      api.fault = at('GET recordings', { status: 400, body: {} })
      await t.rejects(newService().saveSession(session), { status: 502, code: 'recording_unreachable' })
    }
  )
})

t.test('falls back to an inline save', async (t) => {
  const reasons: Array<[why: string, fault: Fault, steps: readonly string[]]> = [
    [
      'when the API has no direct uploads',
      at('POST recording', problem(404, 'route_not_found')),
      STEPS.slice(0, 2)
    ],
    [
      'when the API does not support the content type',
      at('POST recording', problem(415, 'unsupported_recording')),
      STEPS.slice(0, 2)
    ],
    ['when the object storage rejects the upload', at('PUT storage', { status: 403, body: {} }), STEPS],
    [
      'when the bytes do not match the content type',
      at('POST complete', problem(415, 'unsupported_recording')),
      STEPS
    ]
  ]
  for (const [why, fault, before] of reasons) {
    await t.test(why, async (t) => {
      const { api, newService, steps, expectStored } = await setUp(t)
      const session = newSession({ audio: recording() })
      api.fault = fault
      await newService().saveSession(session)
      t.strictSame(steps(), [...before, ...FALLBACK])
      await expectStored(t, session, recording())
    })
  }

  await t.test(
    'does not fall back when the session cannot be deleted, as with a wrong base URL',
    async (t) => {
      const { api, newService, steps } = await setUp(t)
      const blocked = at('PUT storage', { status: 403, body: {} })
      api.fault = both(blocked, at('DELETE session', problem(404, 'route_not_found')))
      await t.rejects(newService().saveSession(newSession({ audio: recording() })), {
        code: 'route_not_found'
      })
      t.equal(steps().at(-1), 'DELETE session')
    }
  )

  await t.test('does not fall back when the recording is too large, and stores nothing', async (t) => {
    const { api, newService, steps } = await setUp(t)
    api.fault = at('POST recording', problem(413, 'recording_too_large'))
    await t.rejects(newService().saveSession(newSession({ audio: recording() })), {
      status: 413,
      code: 'recording_too_large'
    })
    t.strictSame(steps(), [...STEPS.slice(0, 2), 'DELETE session'])
    t.equal(api.account('token').sessions.size, 0)
  })

  await t.test('does not fall back when the API or its storage is unavailable', async (t) => {
    const { api, newService, steps } = await setUp(t)
    for (const step of ['POST recording', 'POST complete']) {
      for (const [fault, code] of [
        ['cut', 'network_error'],
        [problem(503, 'storage_unavailable'), 'storage_unavailable']
      ] as const) {
        api.fault = at(step, fault)
        await t.rejects(newService().saveSession(newSession({ audio: recording() })), { code })
        t.equal(steps().filter((step) => FALLBACK.slice(1).includes(step)).length, 0)
      }
    }
  })
})

t.test('after any sequence of faults, repeating succeeds, and a save that resolved is stored', async (t) => {
  const { api, newService } = await setUp(t)
  const faults = fc.constantFrom<ReturnType<Fault>>(
    undefined,
    undefined,
    'lose',
    'cut',
    problem(503, 'storage_unavailable', { 'retry-after': '60' })
  )
  const audio = recording(3, 5_000)
  const expected = await hex(audio)
  await fc.assert(
    fc.asyncProperty(fc.array(faults, { maxLength: 20 }), fc.boolean(), async (given, isBlocked) => {
      const session = newSession({ audio })
      const faults = [...given]
      const blocked = at('PUT storage', 'cut')
      api.fault = (request) =>
        request.path.includes('/recordings/')
          ? undefined
          : (faults.shift() ?? (isBlocked ? blocked(request) : undefined))
      for (let isSaved = false, left = 50; !isSaved; left--) {
        if (left === 0) throw new Error('It never succeeds')
        isSaved = await newService()
          .saveSession(session)
          .then(
            () => true,
            (error) => {
              if (![0, 503].includes(error.status)) throw error
              return false
            }
          )
      }
      const stored = api.account('token').sessions.get(session.id)
      api.fault = () => undefined
      if ((await hex(new Blob([Buffer.from(stored?.audio ?? '', 'base64')]))) !== expected) {
        throw new Error('The save resolved, but its recording is not stored')
      }
      await newService().saveSession(session)
    }),
    { numRuns: runsOf(25) }
  )
})

t.test('concurrent equal saves upload the recording once, and a waiting one can be aborted', async (t) => {
  const { api, newService, steps, expectStored } = await setUp(t)
  const session = newSession({ audio: recording() })
  const controller = new AbortController()
  const later: Promise<unknown>[] = []
  api.fault = (request) => {
    const step = nameOf(request)
    // The first save is in progress now: the others come after it.
    if (step === STEPS[0] && later.length === 0) {
      const { signal } = controller
      later.push(
        newService().saveSession(session),
        t.rejects(newService().saveSession(session, { signal }), { name: 'AbortError' })
      )
    }
    if (step === 'PUT storage') controller.abort()
    return undefined
  }
  await newService().saveSession(session)
  await Promise.all(later)
  t.equal(steps().filter((step) => step === 'PUT storage').length, 1)
  await expectStored(t, session, recording())
})

t.test('an abort stops the save at any step', async (t) => {
  for (const step of [...STEPS, 'DELETE session']) {
    const { api, newService, steps } = await setUp(t)
    const controller = new AbortController()
    const blocked = at('PUT storage', { status: 400, body: {} })
    api.fault = (request) => {
      if (nameOf(request) === step) controller.abort()
      return step === 'DELETE session' ? blocked(request) : undefined
    }
    await t.rejects(
      newService().saveSession(newSession({ audio: recording() }), { signal: controller.signal }),
      { name: 'AbortError' },
      step
    )
    t.equal(steps().at(-1), step)
  }
})

t.test(
  'progress counts bytes of the recording, only increases, and is complete only when all is stored',
  async (t) => {
    const { api, newService } = await setUp(t)
    const service = newService({ XMLHttpRequest: FetchingXhr })

    async function progressOf(fault: Fault) {
      const seen: string[] = []
      api.fault = (request) => {
        if (nameOf(request) === 'POST complete') seen.push('complete')
        return fault(request)
      }
      await service.saveSession(newSession({ audio: recording(1, 1001) }), {
        onProgress: ({ loaded, total }) => seen.push(`${loaded}/${total}`)
      })
      return seen
    }

    t.strictSame(await progressOf(() => undefined), ['500/1001', '1000/1001', 'complete', '1001/1001'])
    t.strictSame(await progressOf(at('PUT storage', 'cut', 2)), [
      '500/1001',
      '1000/1001',
      'complete',
      '1001/1001'
    ])
    t.strictSame(
      await progressOf(at('PUT storage', 'cut')),
      ['500/1001', '1000/1001', 'complete', '1001/1001'],
      'after falling back to an inline save'
    )
  }
)
