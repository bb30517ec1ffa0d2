import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  ApiStorageService,
  type ApiStorageOptions,
  type Clock,
  type Progress
} from '../../src/client/index.ts'
import { problem, startFakeApi, type Fault } from './helpers/fake-api.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

const clock: Clock = { now: () => new Date(), sleep: async (_, signal) => signal?.throwIfAborted() }
const STEPS = ['POST /api/sessions', 'POST recording', 'PUT storage', 'POST complete'] as const
const INLINE = 'POST /api/sessions inline'
const FALLBACK = ['POST /api/sessions', 'DELETE session', INLINE]

/** The API, and services that send everything directly and remember nothing of each other, as after a reload. */
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

  /** What was asked for since the last time. */
  const steps = () =>
    api.requests
      .splice(0)
      .map((request) => nameOf(request) + (request.body.includes('"audioBase64"') ? ' inline' : ''))

  async function isKept(t: Test, { id }: { id: string }, audio: Blob) {
    const kept = await newService({ directUploadBytes: Infinity }).getSessionById(id)
    t.equal(kept && (await recordingOf(kept)), await hex(audio), 'session and recording are kept')
    t.equal(api.account(token).sessions.size, 1, 'once')
    api.requests.length = 0
  }

  return { api, newService, steps, isKept }
}

function nameOf({ method, path }: { method: string; path: string }): string {
  if (path === '/api/sessions') return `${method} ${path}`
  return `${method} ${/(recording|storage|complete)(?=[^/]*$)/.exec(path)?.[0] ?? /storage|recordings/.exec(path)?.[0] ?? 'session'}`
}

/** Breaks one step, always or the first few times. */
const at =
  (step: string, fault: ReturnType<Fault>, times = Infinity): Fault =>
  (request) =>
    nameOf(request) === step && times-- > 0 ? fault : undefined
const both =
  (...faults: Fault[]): Fault =>
  (request) =>
    faults.map((fault) => fault(request)).find(Boolean)

t.test('does what every storage service does', async (t) => {
  const { newService } = await setUp(t)
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const token = crypto.randomUUID()
    await t.test(behaviour, () => run(newService({ getAccessToken: async () => token })))
  }
})

t.test('and does it inline where the storage takes nothing from this page', async (t) => {
  const { api, newService } = await setUp(t)
  api.fault = at('PUT storage', 'cut')
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const token = crypto.randomUUID()
    await t.test(behaviour, () => run(newService({ getAccessToken: async () => token })))
  }
})

t.test('a large recording goes past the API, a small one does not', async (t) => {
  const { newService, steps, isKept } = await setUp(t)
  const service = newService({ directUploadBytes: 70_001 })
  const large = newSession({ audio: recording(1, 70_001) })
  await service.saveSession(large)
  t.strictSame(steps(), STEPS)
  await isKept(t, large, recording(1, 70_001))
  await service.deleteSession(large.id)
  steps()
  const small = newSession({ audio: recording(1, 70_000) })
  await service.saveSession(small)
  t.strictSame(steps(), [INLINE])
  await isKept(t, small, recording(1, 70_000))
})

t.test('a save that is repeated', async (t) => {
  await t.test('after everything was kept, sends nothing', async (t) => {
    const { newService, steps, isKept } = await setUp(t)
    const session = newSession({ audio: recording() })
    await newService().saveSession(session)
    steps()
    await newService().saveSession(session)
    t.strictSame(steps(), ['POST /api/sessions', 'GET recordings'])
    await isKept(t, session, recording())
  })

  for (const step of STEPS) {
    await t.test(`after ${step} got lost for good, goes on`, async (t) => {
      const { api, newService, isKept } = await setUp(t)
      const session = newSession({ audio: recording() })
      api.fault = both(at(step, 'lose'), at('POST complete', 'lose'))
      await t.rejects(newService().saveSession(session), { code: 'network_error', status: 0 })
      api.fault = () => undefined
      await newService().saveSession(session)
      await isKept(t, session, recording())
    })
  }

  await t.test('after it went inline, finds it, also when it had not heard of that', async (t) => {
    const { api, newService, steps, isKept } = await setUp(t)
    const session = newSession({ audio: recording() })
    const isInline = () => api.requests.at(-1)?.body.includes('"audioBase64"')
    const blocked = at('PUT storage', { status: 403, body: {} })
    api.fault = (request) => (isInline() ? 'lose' : blocked(request))
    await t.rejects(newService().saveSession(session), { code: 'network_error' })
    steps()
    api.fault = () => undefined
    await newService().saveSession(session)
    t.strictSame(steps(), ['POST /api/sessions', INLINE])
    await isKept(t, session, recording())
  })

  await t.test('is not taken for another recording because a link does not work', async (t) => {
    const { api, newService } = await setUp(t)
    const session = newSession({ audio: recording() })
    await newService().saveSession(session)
    api.fault = at('GET recordings', { status: 400, body: {} })
    await t.rejects(newService().saveSession(session), { status: 502, code: 'recording_unreachable' })
  })
})

t.test('goes inline', async (t) => {
  const reasons: Array<[why: string, fault: Fault, steps: readonly string[]]> = [
    [
      'where the API knows no direct uploads',
      at('POST recording', problem(404, 'route_not_found')),
      STEPS.slice(0, 2)
    ],
    [
      'where the API does not know the kind by its name',
      at('POST recording', problem(415, 'unsupported_recording')),
      STEPS.slice(0, 2)
    ],
    ['where the storage refuses the bytes', at('PUT storage', { status: 403, body: {} }), STEPS],
    [
      'where the bytes are not what they were called',
      at('POST complete', problem(415, 'unsupported_recording')),
      STEPS
    ]
  ]
  for (const [why, fault, before] of reasons) {
    await t.test(why, async (t) => {
      const { api, newService, steps, isKept } = await setUp(t)
      const session = newSession({ audio: recording() })
      api.fault = fault
      await newService().saveSession(session)
      t.strictSame(steps(), [...before, ...FALLBACK])
      await isKept(t, session, recording())
    })
  }

  await t.test('but not where the recording is too large, and then nothing is kept', async (t) => {
    const { api, newService, steps } = await setUp(t)
    api.fault = at('POST recording', problem(413, 'recording_too_large'))
    await t.rejects(newService().saveSession(newSession({ audio: recording() })), {
      status: 413,
      code: 'recording_too_large'
    })
    t.strictSame(steps(), [...STEPS.slice(0, 2), 'DELETE session'])
    t.equal(api.account('token').sessions.size, 0)
  })

  await t.test('nor because the API is away, or has lost its storage', async (t) => {
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

t.test(
  'whatever fails on the way, repeating gets there, and nothing is lost that was called kept',
  async (t) => {
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
          if (left === 0) throw new Error('It never gets there')
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
        const kept = api.account('token').sessions.get(session.id)
        api.fault = () => undefined
        if ((await hex(new Blob([Buffer.from(kept?.audio ?? '', 'base64')]))) !== expected) {
          throw new Error('It was called kept, and is not')
        }
        await newService().saveSession(session)
      }),
      { numRuns: 25 }
    )
  }
)

t.test(
  'equal saves at once send the recording once, and one that waits for another can be aborted',
  async (t) => {
    const { api, newService, steps, isKept } = await setUp(t)
    const session = newSession({ audio: recording() })
    const controller = new AbortController()
    api.fault = (request) => {
      if (nameOf(request) === 'PUT storage') controller.abort()
      return undefined
    }
    const sending = newService().saveSession(session)
    const waiting = newService().saveSession(session)
    await t.rejects(newService().saveSession(session, { signal: controller.signal }), { name: 'AbortError' })
    await Promise.all([sending, waiting])
    t.equal(steps().filter((step) => step === 'PUT storage').length, 1)
    await isKept(t, session, recording())
  }
)

t.test('aborting stops at any step', async (t) => {
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
  'progress counts the bytes of the recording, only ever grows, and is full only when all is kept',
  async (t) => {
    /** An XMLHttpRequest over fetch that tells of progress twice. */
    class FetchingXhr {
      upload: { onprogress?: (progress: Progress) => void } = {}
      status = 0
      responseText = ''
      onload = () => {}
      onerror = () => {}
      #request: [method: string, url: string] = ['', '']
      readonly #headers: Record<string, string> = {}
      open(...request: [string, string]) {
        this.#request = request
      }
      setRequestHeader(name: string, value: string) {
        this.#headers[name] = value
      }
      getResponseHeader() {
        return null
      }
      abort() {}
      async send(body: Blob) {
        const [method, url] = this.#request
        for (const share of [0.5, 1]) {
          this.upload.onprogress?.({ loaded: share * body.size, total: body.size })
        }
        const response = await fetch(url, { method, headers: this.#headers, body }).catch(() => undefined)
        if (!response) return this.onerror()
        Object.assign(this, { status: response.status, responseText: await response.text() })
        this.onload()
      }
    }
    const { api, newService } = await setUp(t)
    const service = newService({ XMLHttpRequest: FetchingXhr as unknown as typeof XMLHttpRequest })

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
      'inline after all'
    )
  }
)
