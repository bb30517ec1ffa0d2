import { ApiError } from '../../errors.ts'
import { createOverload } from './overload.ts'
import { createTurnQueue } from './turn-queue.ts'

type Options = {
  /** Places for all users together. */
  count: number
  /** Places that one user may hold. */
  perUser: number
  /** Calls that may wait for a place. */
  maxWaiting: number
  /** How long a call may wait. */
  waitMs: number
  /**
   * How long the calls in the queue may still wait when an overload begins. Until it ends, further calls get a free
   * place or are refused: a queue serves a burst, but in an overload it would only delay every call. Without this
   * option calls wait in an overload, too.
   */
  waitMsInOverload?: number
  /** The `detail` for those who get no place. */
  refusal: string
}

/** Gives the place back. Further calls have no effect. */
export type Release = () => void

export type FairLimiter = ReturnType<typeof createFairLimiter>

type Waiter = { user: string; places: number; enter: () => void; refuse: () => void }

/**
 * Limits how many calls go on at the same time. When a place becomes free, the users who wait take turns, so
 * that the many calls of one user delay another user by no more than one of them. The next user in turn waits until
 * enough places are free, and nobody overtakes. Users who hold all that they may are skipped. When the queue is
 * full, the user with the most calls in it loses the last of them to a user who has at least two fewer. In an overload
 * nobody waits, so that nobody takes turns.
 */
export function createFairLimiter(options: Options) {
  const { count, perUser, maxWaiting, waitMs, waitMsInOverload, refusal } = options

  const queue = createTurnQueue<Waiter>()
  const held = new Map<string, number>()
  let free = count
  const overload =
    waitMsInOverload === undefined
      ? undefined
      : createOverload({ onBegin: () => setTimeout(refuseAllWaiting, waitMsInOverload) })

  const heldBy = (user: string) => held.get(user) ?? 0
  const mayHold = (user: string, places: number) => heldBy(user) + places <= perUser
  const mayEnter = (user: string, places: number) =>
    places <= free && mayHold(user, places) && queue.sizeOf(user) === 0 && !nextWaiter()
  const busy = new ApiError('server_busy', refusal) // one for all: thousands a second may be refused

  function take(user: string, places: number) {
    free -= places
    if (heldBy(user) === 0) overload?.countAccepted()
    held.set(user, heldBy(user) + places)
  }

  function giveBack(user: string, places: number) {
    free += places
    if (heldBy(user) > places) held.set(user, heldBy(user) - places)
    else held.delete(user)
    admitAll()
  }

  const nextWaiter = () => queue.next(({ user, places }) => mayHold(user, places))

  /** Admits those for whom there are places, in turn. */
  function admitAll() {
    for (let next = nextWaiter(); next && next.places <= free; next = nextWaiter()) {
      queue.endTurn(next.user)
      next.enter()
    }
  }

  function refuseAllWaiting() {
    for (const waiter of queue.all()) waiter.refuse()
  }

  const isQueueFull = () => queue.size() >= maxWaiting || Boolean(overload?.isOn())

  /** The refusal of a user who has another call here does not count: many calls of one user are no overload. */
  function refuse(user: string): ApiError {
    if (queue.sizeOf(user) === 0 && heldBy(user) === 0) overload?.countRefused()
    return busy
  }

  /** The last call of the user with the most, if `user` has fewer even with one more. */
  function findDisplaceable(user: string): Waiter | undefined {
    const longest = queue.longest()
    return longest.size > queue.sizeOf(user) + 1 ? [...longest].at(-1) : undefined
  }

  /** @throws {ApiError} server_busy */
  function makeRoomFor(user: string) {
    if (!isQueueFull()) return
    const displaced = findDisplaceable(user)
    if (!displaced) throw refuse(user)
    displaced.refuse()
  }

  function wait(user: string, places: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopListening = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const enter = () => {
        take(user, places) // at once, before another call can take them
        queue.remove(waiter)
        stopListening()
        resolve()
      }
      const giveUp = (error: unknown) => {
        queue.remove(waiter)
        stopListening()
        reject(error)
        admitAll() // those behind it
      }
      const refuseWaiter = () => giveUp(busy)
      const abort = () => giveUp(signal?.reason)
      const waiter = { user, places, enter, refuse: refuseWaiter }
      makeRoomFor(user)
      const timer = setTimeout(refuseWaiter, waitMs)
      signal?.addEventListener('abort', abort, { once: true })
      queue.add(waiter)
      admitAll()
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
    isQueueFull,

    /** The refusal of a call of `user` that could neither start nor wait, before any work is done for it. */
    findRefusal: (user: string): ApiError | undefined =>
      isQueueFull() && !mayEnter(user, 1) && !findDisplaceable(user) ? refuse(user) : undefined,

    /** Takes all `places` or none, without waiting; none if another user waits for them. */
    tryAcquire(user: string, places = 1): Release | undefined {
      if (!mayEnter(user, places)) return undefined
      take(user, places)
      return releaseOnce(user, places)
    },

    /**
     * Waits for places: one, or as many as given, but no more than a user may hold. Aborting `signal` leaves
     * the queue; it does not give places back.
     * @throws {ApiError} server_busy after `waitMs`, or `waitMsInOverload`; at once when too many wait, in an overload,
     * or when another user needs the place in the queue
     */
    async acquire(user: string, signal?: AbortSignal, places = 1): Promise<Release> {
      signal?.throwIfAborted()
      const wanted = Math.min(places, perUser)
      if (mayEnter(user, wanted)) take(user, wanted)
      else await wait(user, wanted, signal)
      return releaseOnce(user, wanted)
    },

    /** Places in all, those that are held, and calls that wait. More may be held than there are: see `borrow`. */
    usage: () => ({ places: count, held: count - free, waiting: queue.size() }),

    /** Takes places at once, also if there are none: others wait for longer. */
    borrow(user: string, places: number): Release {
      take(user, places)
      return releaseOnce(user, places)
    }
  }
}
