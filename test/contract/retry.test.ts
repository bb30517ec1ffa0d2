import { getEventListeners } from 'node:events'
import t from 'tap'
import { retryFor, sleep, type RetryOptions } from '../../src/contract/retry.ts'

const backoff = { firstPauseMs: 100, maxPauseMs: 400 }

/** Runs work that fails `failures` times and then succeeds. */
async function observe(failures: number, options: Partial<RetryOptions> = {}) {
  const pauses: number[] = []
  let attempts = 0
  const work = async () => {
    if (++attempts <= failures) throw new Error(`failure ${attempts}`)
    return 'done'
  }
  const sleep = async (milliseconds: number) => {
    pauses.push(milliseconds)
  }
  const outcome = await retryFor(work, { ...backoff, sleep, ...options }).catch(
    (error: Error) => error.message
  )
  return { outcome, attempts, pauses }
}

const cases: Array<{
  title: string
  failures: number
  options?: Partial<RetryOptions>
  outcome: string
  pauses: number[]
}> = [
  { title: 'does not pause after a success', failures: 0, outcome: 'done', pauses: [] },
  {
    title: 'doubles each pause up to the longest',
    failures: 5,
    outcome: 'done',
    pauses: [100, 200, 400, 400, 400]
  },
  {
    title: 'throws the last error after the last attempt',
    failures: 9,
    options: { maxAttempts: 3 },
    outcome: 'failure 3',
    pauses: [100, 200]
  },
  {
    title: 'throws the last error when the pauses reach the limit',
    failures: 9,
    options: { limitMs: 300 },
    outcome: 'failure 3',
    pauses: [100, 200]
  },
  {
    title: 'throws at once an error that must not be retried',
    failures: 9,
    options: { shouldRetry: (error) => (error as Error).message !== 'failure 2' },
    outcome: 'failure 2',
    pauses: [100]
  },
  {
    title: 'respects a longer pause that the error asks for',
    failures: 2,
    options: { retryAfterMs: (error) => ((error as Error).message === 'failure 1' ? 1000 : undefined) },
    outcome: 'done',
    pauses: [1000, 200]
  },
  {
    title: 'ignores a shorter pause that the error asks for',
    failures: 1,
    options: { retryAfterMs: () => 10 },
    outcome: 'done',
    pauses: [100]
  }
]

for (const { title, failures, options, outcome, pauses } of cases) {
  t.test(title, async (t) => {
    t.strictSame(await observe(failures, options), { outcome, attempts: pauses.length + 1, pauses })
  })
}

t.test('draws each pause from the upper half of its range when asked to', async (t) => {
  const { pauses } = await observe(200, { jitter: true })
  const first = pauses[0] ?? 0
  t.ok(first >= 50 && first <= 100)
  t.ok(pauses.slice(2).every((pause) => pause >= 200 && pause <= 400))
  t.ok(new Set(pauses).size > 100, 'pauses differ')
})

t.test('an abort during a pause rejects at once and stops the retries', async (t) => {
  const stop = new AbortController()
  let attempts = 0
  const work = async () => {
    attempts++
    setTimeout(() => stop.abort(new Error('stopped')), 10)
    throw new Error('failure')
  }
  const retried = retryFor(work, { firstPauseMs: 60_000, maxPauseMs: 60_000, signal: stop.signal })
  await t.rejects(retried, { message: 'stopped' })
  t.equal(attempts, 1)
})

t.test('a failure after the abort rejects with the reason of the abort', async (t) => {
  const stop = new AbortController()
  const work = async () => {
    stop.abort(new Error('stopped'))
    throw new Error('failure')
  }
  await t.rejects(retryFor(work, { ...backoff, signal: stop.signal }), { message: 'stopped' })
})

t.test('sleep leaves no listener on the signal', async (t) => {
  const { signal } = new AbortController()
  await sleep(1, signal)
  t.equal(getEventListeners(signal, 'abort').length, 0)
})

t.test('sleep rejects at once when the signal is already aborted', async (t) => {
  await t.rejects(sleep(60_000, AbortSignal.abort(new Error('stopped'))), { message: 'stopped' })
})
