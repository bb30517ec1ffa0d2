import { ApiError } from '../errors.ts'

type Options = {
  /** Places for all users together. */
  count: number
  /** Places that one user may hold. */
  perUser: number
  /** Calls that may wait for a place; half of them for one user. */
  maxWaiting: number
  /** How long a call may wait. */
  waitMs: number
  /** The `detail` for those who get no place. */
  refusal: string
}

/** Gives the place back. Further calls have no effect. */
export type Release = () => void

export type FairLimiter = ReturnType<typeof createFairLimiter>

type Waiter = { enter: () => void }

/**
 * Limits how many calls go on at the same time. When a place becomes free, the users who wait take turns, so
 * that the many calls of one user delay another user by no more than one of them.
 */
export function createFairLimiter({ count, perUser, maxWaiting, waitMs, refusal }: Options) {
  /** The user whose turn is next comes first. */
  const queues = new Map<string, Set<Waiter>>()
  const held = new Map<string, number>()
  let free = count
  let waiting = 0

  const heldBy = (user: string) => held.get(user) ?? 0
  const mayEnter = (user: string) => free > 0 && heldBy(user) < perUser
  const busy = () => new ApiError('server_busy', refusal)

  function take(user: string) {
    free--
    held.set(user, heldBy(user) + 1)
  }

  function giveBack(user: string) {
    free++
    if (heldBy(user) > 1) held.set(user, heldBy(user) - 1)
    else held.delete(user)
    for (const [next, queue] of queues) if (mayEnter(next)) return admitFirst(next, queue)
  }

  function admitFirst(user: string, queue: Set<Waiter>) {
    const [first] = queue
    queues.delete(user)
    queues.set(user, queue) // the others come first next time
    first?.enter()
  }

  function join(user: string, waiter: Waiter) {
    const queue = queues.get(user) ?? new Set()
    if (waiting >= maxWaiting || queue.size >= maxWaiting / 2) throw busy()
    queues.set(user, queue.add(waiter))
    waiting++
  }

  function leave(user: string, waiter: Waiter) {
    const queue = queues.get(user)
    queue?.delete(waiter)
    if (queue?.size === 0) queues.delete(user)
    waiting--
  }

  function wait(user: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        leave(user, waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const enter = () => {
        take(user) // at once, before another call can take the place
        finish(resolve)
      }
      const abort = () => finish(() => reject(signal?.reason))
      const waiter = { enter }
      join(user, waiter)
      const timer = setTimeout(() => finish(() => reject(busy())), waitMs)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  function releaseOnce(user: string): Release {
    let isHeld = true
    return () => {
      if (isHeld) giveBack(user)
      isHeld = false
    }
  }

  return {
    /**
     * Waits for a place. Aborting `signal` leaves the queue; it does not give a place back.
     * @throws {ApiError} server_busy after `waitMs`, or at once when too many wait
     */
    async acquire(user: string, signal?: AbortSignal): Promise<Release> {
      signal?.throwIfAborted()
      if (mayEnter(user)) take(user)
      else await wait(user, signal)
      return releaseOnce(user)
    }
  }
}
