import type { Clock } from '../clock.ts'
import { retryAfterMs } from '../request-retry.ts'
import { pauseAfter, runPass, type PassOptions } from './delivery-pass.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { QueueItem } from './queue-item.ts'
import { createSender, type SenderOptions } from './sender.ts'

type DeliveryOptions = SenderOptions & {
  clock: Clock
  isOnline: () => boolean
  /** Called after each session that was delivered, refused or delayed. */
  onChange: () => void
}

const BACKGROUND: PassOptions = { force: false, isAwaited: false }

/** Decides when to send what is queued: on request and, after a failure, again after a pause. */
export function createDelivery({ clock, isOnline, onChange, ...options }: DeliveryOptions) {
  const { queue } = options
  const sender = createSender(options)
  let state: 'open' | 'paused' | 'closed' = 'open'
  let requested = BACKGROUND
  let pausing: AbortController | undefined
  let failedPasses = 0

  const sendNext = (isDue: (item: QueueItem) => boolean) => sender.sendNext(() => state === 'open', isDue)

  const run = oneAtATime(async () => {
    const pass = requested
    requested = BACKGROUND
    pausing?.abort()
    pausing = undefined
    try {
      const { error, hasDelivered } = await runPass({ sendNext, queue, clock, onChange }, pass)
      if (hasDelivered) failedPasses = 0
      // Also for what failed earlier and was not due.
      if (error || (await queue.hasSendable())) flushLater(error)
    } catch (error) {
      flushLater(error)
    }
  })

  /** Sends everything that is due. Never rejects. Calls share a pass. */
  function flush({ force = false, isAwaited = false }: Partial<PassOptions> = {}): Promise<void> {
    requested = { force: requested.force || force, isAwaited: requested.isAwaited || isAwaited }
    return run()
  }

  // No `retryFor`: `flush` must be able to end the pause early without resetting its length.
  function flushLater(error?: unknown): void {
    if (state === 'closed') return
    pausing?.abort()
    pausing = new AbortController()
    clock.sleep(Math.max(pauseAfter(failedPasses), retryAfterMs(error)), pausing.signal).then(
      () => flush(),
      () => {}
    )
    failedPasses++
  }

  return {
    flush,
    /**
     * Sends what was just queued, or what was queued when the page opens. While the browser reports no network,
     * which may be wrong, it is tried after a pause.
     */
    async start() {
      if (isOnline()) await flush({ isAwaited: true })
      else if (!pausing) flushLater()
    },
    /** Aborts the current request of a session. Change its queue item first. */
    abort: (id: string) => sender.abort(id),
    /** Aborts the current request, and sends nothing until `resume`. */
    pause() {
      if (state === 'open') state = 'paused'
      sender.abort()
    },
    resume() {
      if (state === 'paused') state = 'open'
      flushLater()
    },
    /** Sends nothing more. The current request continues. */
    close() {
      state = 'closed'
      pausing?.abort()
    }
  }
}

export type Delivery = ReturnType<typeof createDelivery>
