import type { Clock } from '../clock.ts'
import { isTransient, retryAfterMs } from '../request-retry.ts'
import type { PracticeStorage, Progress, SaveOptions } from '../storage-service.ts'
import type { Lock } from './lock.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { isSetAside, type QueueItem } from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'
import { concernsAll, isRefusal, toFailure } from './refusal.ts'

const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 300_000
/** Failures in a row after which a pass ends. Fewer while a user waits for a save. */
const MAX_FAILURES = 5
const MAX_FAILURES_OF_SAVE = 2

/** A save that is being sent. `progress`: of its upload, once it is known. */
export type Sending = { id: string; progress?: Progress }

type DeliveryOptions = {
  service: PracticeStorage
  queue: QueueStorage
  lock: Lock
  clock: Clock
  isOnline: () => boolean
  /** Called before a delivered item leaves the queue. */
  onDelivered: (item: QueueItem) => Promise<unknown>
  /** Called when a save begins to be sent, with its progress, and without an argument when it ends. */
  onSending: (sending?: Sending) => void
  /** Called after each session that was delivered, refused or set aside. */
  onChange: () => void
}

/**
 * Sends what is queued to the service, in one tab at a time and in the order in which it was queued. A
 * session that keeps failing while others could go is set aside: the others pass it, and it is tried again
 * later.
 */
export function createDelivery(options: DeliveryOptions) {
  const { service, queue, lock, clock, isOnline, onDelivered, onSending, onChange } = options
  let current: { id: string; stop: AbortController } | undefined
  let pauseMs = FIRST_PAUSE_MS
  let pausing: AbortController | undefined
  let isClosed = false
  let isPaused = false
  let isForced = false
  let isSave = false

  /** Sends the next item. Undefined when none is due. The lock is held for one item only. */
  const sendNext = (isDue: (item: QueueItem) => boolean) =>
    lock(async () => {
      const next = isClosed || isPaused ? undefined : await queue.takeNext(isDue)
      if (!next) return undefined
      const { signal } = (current = { id: next.item.id, stop: new AbortController() }).stop
      const error = await send(next.item, signal).then(() => undefined, asError)
      current = undefined
      if (next.item.session) onSending()
      if (error && signal.aborted) return { ...next, isStopped: true }
      if (!error) {
        await onDelivered(next.item)
        await queue.remove(next.item)
        for (const item of next.overtaken) await queue.mark(item, { overtaken: true })
      }
      return { ...next, error }
    })

  async function send(item: QueueItem, signal: AbortSignal): Promise<void> {
    const { id, remove, session, changes } = item
    if (remove) await service.deleteSession(id, { signal })
    if (session) await service.saveSession(session, optionsOf(item, signal))
    if (changes) await service.updateSession(id, changes, { signal })
  }

  function optionsOf(item: QueueItem, signal: AbortSignal): SaveOptions {
    const { id } = item
    onSending({ id })
    return {
      signal,
      onProgress(progress) {
        if (!signal.aborted) onSending({ id, progress })
      },
      ...(item.upload && { startedUpload: item.upload }),
      // If this cannot be stored, the upload starts again after a reload.
      onUploadStarted: (upload) => queue.mark(item, { upload }).catch(() => {})
    }
  }

  /** Sends everything that is due; with `force` also what was set aside. Resolves with the last failure. */
  async function sendAll(force: boolean, maxFailures: number): Promise<unknown> {
    const tried = new Set<number>()
    let failuresInARow = 0
    let firstFailures = 0
    let lastError: unknown
    for (;;) {
      const now = clock.now().getTime()
      const sent = await sendNext(
        (item) => !tried.has(item.place) && (force || !isSetAside(item) || (item.retryAt ?? 0) <= now)
      )
      if (!sent) return lastError
      // Something else waits for the session now, or nothing for the time being.
      if ('isStopped' in sent) continue
      const { item, error } = sent
      tried.add(item.place)
      if (!error) {
        failuresInARow = 0
        pauseMs = FIRST_PAUSE_MS
        onChange()
        continue
      }
      const failures = (item.failures ?? 0) + 1
      await noteFailure(item, error, failures)
      if (isRefusal(error)) continue
      lastError = error
      if (++failuresInARow === 1) firstFailures = failures
      // Without an answer the network is probably gone, but a failing session must not stop the others: one
      // more is tried for each time that the first has failed.
      const limit = isTransient(error) ? Math.min(firstFailures, maxFailures) : MAX_FAILURES
      if (concernsAll(error) || failuresInARow >= limit) return lastError
    }
  }

  async function noteFailure(item: QueueItem, error: Error, failures: number): Promise<void> {
    const failure = toFailure(error)
    const retryAt = clock.now().getTime() + Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS)
    await queue.mark(item, isRefusal(error) ? { refusal: failure } : { failure, failures, retryAt })
    if (isRefusal(error) || isSetAside({ ...item, failures, failure })) onChange()
  }

  const run = oneAtATime(async () => {
    const [force, maxFailures] = [isForced, isSave ? MAX_FAILURES_OF_SAVE : MAX_FAILURES]
    isForced = isSave = false
    pausing?.abort()
    pausing = undefined
    try {
      const error = await sendAll(force, maxFailures)
      // Also for what failed earlier and was not due.
      if (error || (await queue.hasSendable())) flushLater(error)
    } catch (error) {
      flushLater(error)
    }
  })

  /** Sends everything that is due; with `force` also what was set aside. Never rejects. */
  function flush(force = false): Promise<void> {
    isForced ||= force
    return run()
  }

  // Not `retryFor`: each call of `flush` ends the pause, and the next pause is longer all the same.
  function flushLater(error?: unknown): void {
    if (isClosed) return
    pausing?.abort()
    pausing = new AbortController()
    clock.sleep(Math.max(pauseMs, retryAfterMs(error)), pausing.signal).then(
      () => flush(),
      () => {}
    )
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
  }

  return {
    flush,
    /**
     * Sends what was just queued. While the browser reports no network, which may be wrong, it is tried after
     * a pause.
     */
    async start() {
      if (!isOnline()) return pausing ? undefined : flushLater()
      isSave = true
      await flush()
    },
    /** Ends the request that is being made for a session, after what waits for it was changed. */
    stop: (id: string) => {
      if (current?.id === id) current.stop.abort()
    },
    /** Interrupts what is being sent, and sends nothing until `resume`. */
    pause: () => {
      isPaused = true
      current?.stop.abort()
    },
    resume: () => {
      isPaused = false
      flushLater()
    },
    close: () => {
      isClosed = true
      pausing?.abort()
    }
  }
}

const asError = (error: Error) => error
