import { ApiError } from '../../errors.ts'
import { createOverload } from './overload.ts'
import { createPermits, type Release } from './permits.ts'
import { createTurnQueue } from './turn-queue.ts'
import { createWaiter } from './waiter.ts'

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

export type { Release }

export type FairLimiter = ReturnType<typeof createFairLimiter>

type Waiting = { user: string; places: number } & ReturnType<typeof createWaiter<Release>>

/**
 * Limits how many calls go on at the same time. When a place becomes free, the users who wait take turns, so
 * that the many calls of one user delay another user by no more than one of them. The next user in turn waits until
 * enough places are free, and nobody overtakes. Users who hold all that they may are skipped. When the queue is
 * full, the user with the most calls in it loses the last of them to a user who has at least two fewer. In an overload
 * nobody waits, so that nobody takes turns.
 */
export function createFairLimiter(options: Options) {
  const { count, perUser, maxWaiting, waitMs, waitMsInOverload, refusal } = options

  const queue = createTurnQueue<Waiting>()
  const permits = createPermits({ count, perUser, onRelease: admitAll })
  const overload =
    waitMsInOverload === undefined
      ? undefined
      : createOverload({ onBegin: () => setTimeout(refuseAllWaiting, waitMsInOverload) })
  const busy = new ApiError('server_busy', refusal) // one for all: thousands a second may be refused

  const nextWaiting = () => queue.next(({ user, places }) => permits.mayHold(user, places))
  const mayEnter = (user: string, places: number) =>
    permits.areFree(places) && permits.mayHold(user, places) && queue.sizeOf(user) === 0 && !nextWaiting()
  const isQueueFull = () => queue.size() >= maxWaiting || Boolean(overload?.isOn())

  function take(user: string, places: number): Release {
    if (permits.heldBy(user) === 0) overload?.countAccepted()
    return permits.take(user, places)
  }

  /** Admits those for whom there are places, in turn. */
  function admitAll() {
    for (let next = nextWaiting(); next && permits.areFree(next.places); next = nextWaiting()) {
      queue.endTurn(next.user)
      queue.remove(next)
      next.admit(take(next.user, next.places))
    }
  }

  function refuseAllWaiting() {
    for (const waiting of queue.all()) waiting.refuse()
  }

  /** The refusal of a user who has another call here does not count: many calls of one user are no overload. */
  function refuse(user: string): ApiError {
    if (queue.sizeOf(user) === 0 && permits.heldBy(user) === 0) overload?.countRefused()
    return busy
  }

  /** The last call of the user with the most, if `user` has fewer even with one more. */
  function findDisplaceable(user: string): Waiting | undefined {
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

  async function wait(user: string, places: number, signal: AbortSignal | undefined): Promise<Release> {
    makeRoomFor(user)
    const onRefused = () => {
      queue.remove(waiting)
      admitAll() // those behind it
    }
    const waiting = { user, places, ...createWaiter<Release>({ waitMs, refusal: busy, signal, onRefused }) }
    queue.add(waiting)
    admitAll()
    return waiting.admitted
  }

  return {
    isQueueFull,

    /** The refusal of a call of `user` that could neither start nor wait, before any work is done for it. */
    findRefusal: (user: string): ApiError | undefined =>
      isQueueFull() && !mayEnter(user, 1) && !findDisplaceable(user) ? refuse(user) : undefined,

    /** Takes all `places` or none, without waiting; none if another user waits for them. */
    tryAcquire(user: string, places = 1): Release | undefined {
      if (!mayEnter(user, places)) return undefined
      return take(user, places)
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
      return mayEnter(user, wanted) ? take(user, wanted) : wait(user, wanted, signal)
    },

    /** Places in all, those that are held, and calls that wait. More may be held than there are: see `borrow`. */
    usage: () => ({ places: count, held: permits.held(), waiting: queue.size() }),

    /** Takes places at once, also if there are none: others wait for longer. */
    borrow: take
  }
}
