import type { Clock } from '../clock.ts'
import { isTransient } from '../request-retry.ts'
import { isDelayed, type QueueItem } from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'
import { concernsAll, isRefusal, toFailure } from './refusal.ts'
import type { AttemptResult } from './sender.ts'

const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 300_000
/** Failures in a row after which a pass ends. */
const MAX_FAILURES = 5
/** The same without an answer, which takes long, while a caller may wait for the pass. */
const MAX_FAILURES_WHILE_AWAITED = 2

export type PassOptions = {
  /** Sends also delayed items. */
  force: boolean
  /** A caller may wait for the pass. */
  isAwaited: boolean
}

type Delivery = {
  sendNext: (isDue: (item: QueueItem) => boolean) => Promise<AttemptResult | undefined>
  queue: QueueStorage
  clock: Clock
  /** Called after each session that was delivered, refused or delayed. */
  onChange: () => void
}

/** The pause after so many failures in a row, in milliseconds. */
export function pauseAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS)
}

/**
 * Sends each item that is due once. A session that keeps failing while others could go is delayed: the others
 * pass it, and it is due again later.
 *
 * @returns the last failure, and whether something was delivered
 */
export async function runPass({ sendNext, queue, clock, onChange }: Delivery, options: PassOptions) {
  const tried = new Set<number>()
  let hasDelivered = false
  let failuresInARow = 0
  let firstFailures = 0
  let lastError: Error | undefined

  const isDue = (item: QueueItem): boolean =>
    !tried.has(item.place) &&
    (options.force || !isDelayed(item) || (item.retryAt ?? 0) <= clock.now().getTime())

  for (;;) {
    const result = await sendNext(isDue)
    if (!result) break
    // The item was stopped or replaced. Continue with the queue as it is now.
    if (result.isAborted) continue
    const { item, error } = result
    tried.add(item.place)
    if (!error) {
      hasDelivered = true
      failuresInARow = 0
      onChange()
      continue
    }
    const failures = (item.failures ?? 0) + 1
    await noteFailure(item, error, failures)
    if (isRefusal(error)) continue
    lastError = error
    if (++failuresInARow === 1) firstFailures = failures
    if (concernsAll(error) || failuresInARow >= maxFailures(error, firstFailures, options)) break
  }
  return { error: lastError, hasDelivered }

  async function noteFailure(item: QueueItem, error: Error, failures: number): Promise<void> {
    const failure = toFailure(error)
    const retryAt = clock.now().getTime() + pauseAfter(failures)
    await queue.mark(item, isRefusal(error) ? { refusal: failure } : { failure, failures, retryAt })
    if (isRefusal(error) || isDelayed({ ...item, failures, failure })) onChange()
  }
}

/**
 * No answer usually means no network. Without answers, a pass stops after n failures in a row; n is how often the
 * first of them has failed so far. So one bad session does not block the rest. A server's own errors arrive soon, so
 * a caller can wait for more of them.
 */
function maxFailures(error: Error, firstFailures: number, { isAwaited }: PassOptions): number {
  if (!isTransient(error)) return MAX_FAILURES
  return Math.min(firstFailures, isAwaited ? MAX_FAILURES_WHILE_AWAITED : MAX_FAILURES)
}
