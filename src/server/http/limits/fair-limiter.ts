import { ApiError } from '../../errors.ts'

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

type Waiter = { user: string; places: number; enter: () => void }

/**
 * Limits how many calls go on at the same time. When a place becomes free, the users who wait take turns, so
 * that the many calls of one user delay another user by no more than one of them. The next user in turn waits until
 * enough places are free, and nobody overtakes. Users who hold all that they may are skipped.
 */
export function createFairLimiter({ count, perUser, maxWaiting, waitMs, refusal }: Options) {
  /** The user whose turn is next comes first. */
  const queues = new Map<string, Set<Waiter>>()
  const held = new Map<string, number>()
  let free = count
  let waiting = 0

  const heldBy = (user: string) => held.get(user) ?? 0
  const mayHold = (user: string, places: number) => heldBy(user) + places <= perUser
  const mayEnter = (user: string, places: number) =>
    places <= free && mayHold(user, places) && !queues.has(user) && !nextWaiter()
  const busy = () => new ApiError('server_busy', refusal)

  function take(user: string, places: number) {
    free -= places
    held.set(user, heldBy(user) + places)
  }

  function giveBack(user: string, places: number) {
    free += places
    if (heldBy(user) > places) held.set(user, heldBy(user) - places)
    else held.delete(user)
    while (admitNext());
  }

  function nextWaiter(): Waiter | undefined {
    for (const [first] of queues.values()) if (first && mayHold(first.user, first.places)) return first
    return undefined
  }

  /** @returns false when nobody waits, or too few places are free for the next one */
  function admitNext(): boolean {
    const next = nextWaiter()
    if (!next || next.places > free) return false
    endTurn(next.user)
    next.enter()
    return true
  }

  function endTurn(user: string) {
    const queue = queues.get(user)
    queues.delete(user)
    if (queue) queues.set(user, queue)
  }

  function join(waiter: Waiter) {
    const queue = queues.get(waiter.user) ?? new Set()
    if (waiting >= maxWaiting || queue.size >= maxWaiting / 2) throw busy()
    queues.set(waiter.user, queue.add(waiter))
    waiting++
  }

  function leave(waiter: Waiter) {
    const queue = queues.get(waiter.user)
    queue?.delete(waiter)
    if (queue?.size === 0) queues.delete(waiter.user)
    waiting--
  }

  function wait(user: string, places: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        leave(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const enter = () => {
        take(user, places) // at once, before another call can take them
        finish(resolve)
      }
      const giveUp = (error: unknown) => {
        finish(() => reject(error))
        while (admitNext()); // those behind it
      }
      const abort = () => giveUp(signal?.reason)
      const waiter = { user, places, enter }
      join(waiter)
      const timer = setTimeout(() => giveUp(busy()), waitMs)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  function releaseOnce(user: string, places: number): Release {
    let isHeld = true
    return () => {
      if (isHeld) giveBack(user, places)
      isHeld = false
    }
  }

  return {
    /** A place, if there is one at once and nobody waits for it. */
    tryAcquire(user: string): Release | undefined {
      if (!mayEnter(user, 1)) return undefined
      take(user, 1)
      return releaseOnce(user, 1)
    },

    /**
     * Waits for places: one, or as many as given, but no more than a user may hold. Aborting `signal` leaves
     * the queue; it does not give places back.
     * @throws {ApiError} server_busy after `waitMs`, or at once when too many wait
     */
    async acquire(user: string, signal?: AbortSignal, places = 1): Promise<Release> {
      signal?.throwIfAborted()
      const wanted = Math.min(places, perUser)
      if (mayEnter(user, wanted)) take(user, wanted)
      else await wait(user, wanted, signal)
      return releaseOnce(user, wanted)
    },

    /** Places in all, those that are held, and calls that wait. More may be held than there are: see `borrow`. */
    usage: () => ({ places: count, held: count - free, waiting }),

    /** Takes places at once, also if there are none: others wait for longer. */
    borrow(user: string, places: number): Release {
      take(user, places)
      return releaseOnce(user, places)
    }
  }
}
