import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { checkResults, type CheckResult } from '../../../src/server/diagnostics.ts'
import { ApiError, ConfigurationFault, misconfigured } from '../../../src/server/errors.ts'
import { createMonitor, type Checks } from '../../../src/server/health/monitor.ts'

const sound = async () => []
const fault = (sentence: string) => new ConfigurationFault('bucket_limit_low', sentence)

function start(
  changes: Partial<Checks>,
  options: {
    timeoutMs?: number
    pauseMs?: number
    firstPauseMs?: number
    onDemand?: Array<keyof Checks>
  } = {}
) {
  const errors: string[] = []
  const infos: string[] = []
  const log = {
    error: (_: object, text: string) => errors.push(text),
    info: (_: object, text: string) => infos.push(text)
  }
  const checks = { database: sound, storage: sound, issuer: sound, spool: sound, ...changes }
  const monitor = createMonitor(checks, { log: log as never, ...options })
  return { monitor, errors, infos }
}

t.test('each kind of failure has a code and one sentence', async (t) => {
  const cause = new AggregateError([new Error('connect ::1'), new Error('connect 127.0.0.1')], '')
  const failures: Array<[failure: unknown, code: string, sentence: string]> = [
    [fault('The limit is low'), 'bucket_limit_low', 'The limit is low'],
    [misconfigured('storage_unavailable', fault('The limit is low')), 'bucket_limit_low', 'The limit is low'],
    [
      new ApiError('storage_unavailable', 'Retry shortly.', { cause }),
      'storage_unavailable',
      'storage is not available: connect ::1; connect 127.0.0.1'
    ],
    [new TypeError('our mistake\nwith details'), 'check_failed', 'storage is not available: our mistake']
  ]
  for (const [failure, code, sentence] of failures) {
    const { monitor, errors } = start({ storage: () => Promise.reject(failure) })
    t.match(await monitor.report(), { status: 'degraded', checks: { storage: code, database: 'ok' } })
    t.strictSame(errors, [sentence])
  }
})

t.test('a check that does not end is a fault, and is not started a second time', async (t) => {
  let started = 0
  const storage = () => {
    started++
    return new Promise<never>(() => {})
  }
  const { monitor } = start({ storage }, { timeoutMs: 10 })
  const keepAlive = setInterval(() => {}, 1000) // the deadline alone does not
  t.teardown(() => clearInterval(keepAlive))
  t.match(await monitor.report(), { checks: { storage: 'check_failed' } })
  t.match(await monitor.report(), { checks: { storage: 'check_failed' } })
  t.equal(started, 1)
})

t.test('requests cause looks at a bounded rate', async (t) => {
  let looks = 0
  const storage = async () => {
    looks++
    return []
  }
  const { monitor } = start({ storage })
  for (let i = 0; i < 500; i++) await monitor.report()
  t.ok(looks <= 13, `${looks} looks`)
  looks = 0
  await Promise.all(Array.from({ length: 500 }, () => monitor.report()))
  t.ok(looks <= 2, `${looks} looks`)
})

t.test('a fault that appears or ends is noticed in the background and logged once', async (t) => {
  let faults = [fault('The limit is low')]
  const { monitor, errors, infos } = start({ storage: async () => faults }, { pauseMs: 5, firstPauseMs: 1 })
  const closing = new AbortController()
  const watching = monitor.watch(closing.signal)
  await pause(30)
  t.strictSame(errors, ['The limit is low'])
  faults = []
  await pause(30)
  t.strictSame(infos, ['storage: the fault is corrected'])
  closing.abort()
  await watching
})

t.test('the background looks more often after each new fault', async (t) => {
  const usualPause = 400
  let looks = 0
  let faults: ConfigurationFault[] = []
  const storage = async () => {
    looks++
    return faults
  }
  const { monitor, errors } = start({ storage }, { pauseMs: usualPause, firstPauseMs: 1 })
  const closing = new AbortController()
  const watching = monitor.watch(closing.signal)
  await pause(usualPause / 4)
  t.equal(looks, 1, 'all is well')
  faults = [fault('The limit is low')]
  while (errors.length === 0) await pause(5)
  await pause(usualPause / 2)
  t.ok(looks > 4, `${looks} looks`)
  closing.abort()
  await watching
})

t.test('only periodic checks are published, because the result of others may be old', async (t) => {
  const published = new Map<string, string>()
  const onResult = (message: unknown) => {
    const { check, code } = message as CheckResult
    published.set(check, code)
  }
  checkResults.subscribe(onResult)
  t.teardown(() => checkResults.unsubscribe(onResult))
  const issuer = () => Promise.reject(new ApiError('issuer_unavailable', 'Retry shortly.'))
  const { monitor } = start({ issuer }, { onDemand: ['issuer'] })
  t.match(await monitor.report(), { checks: { issuer: 'issuer_unavailable' } })
  t.strictSame(Object.fromEntries(published), { database: 'ok', storage: 'ok', spool: 'ok' })
})
