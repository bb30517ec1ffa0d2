import { ApiError } from '../errors.ts'

/** The share of all places that one user may hold, so that slow uploads of one user do not block the others. */
const SHARE = 1 / 4

/** Gives a place back. Calls after the first have no effect. */
export type Release = () => void

export type UploadLimiter = ReturnType<typeof createUploadLimiter>

type Waiter = { user: string; enter: () => void }

/**
 * Limits concurrent uploads to `count`, a quarter of them for one user, rounded up. The others wait in a queue, each
 * for at most `waitMs`. A user who waits only because of the own share does not block those behind.
 */
export function createUploadLimiter({ count, waitMs }: { count: number; waitMs: number }) {
  const share = Math.ceil(count * SHARE)
  const waiting = new Set<Waiter>()
  const held = new Map<string, number>()
  let free = count

  const heldBy = (user: string) => held.get(user) ?? 0
  const mayEnter = (user: string) => free > 0 && heldBy(user) < share

  function take(user: string) {
    free--
    held.set(user, heldBy(user) + 1)
  }

  function giveBack(user: string) {
    free++
    if (heldBy(user) > 1) held.set(user, heldBy(user) - 1)
    else held.delete(user)
    // At most one waiter can enter: before this, none could.
    for (const waiter of waiting) if (mayEnter(waiter.user)) return waiter.enter()
  }

  function releaseOnce(user: string): Release {
    let isHeld = true
    return () => {
      if (isHeld) giveBack(user)
      isHeld = false
    }
  }

  function wait(user: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (finish: () => void) => {
        waiting.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        finish()
      }
      const enter = () => {
        take(user) // synchronously, so that nobody else takes the place first
        leave(resolve)
      }
      const abort = () => leave(() => reject(signal?.reason))
      const timer = setTimeout(() => leave(() => reject(serverBusy())), waitMs)
      signal?.addEventListener('abort', abort, { once: true })
      const waiter = { user, enter }
      waiting.add(waiter)
    })
  }

  return {
    /**
     * Waits for a place, in the order of the calls among users whose share has room. Aborting `signal` leaves the
     * queue; a place that is already held is kept.
     * @throws {ApiError} server_busy after `waitMs`
     */
    async acquire(user: string, signal?: AbortSignal): Promise<Release> {
      signal?.throwIfAborted()
      if (mayEnter(user)) take(user)
      else await wait(user, signal)
      return releaseOnce(user)
    }
  }
}

const serverBusy = () =>
  new ApiError('server_busy', 'Many recordings are being saved at this moment. Retry shortly.')
