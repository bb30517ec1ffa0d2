import { ApiError } from '../errors.ts'

/** Share of all places that one user may hold: slow uploads of one user must not block other users. */
const SHARE = 1 / 4

/** Gives the place back. Further calls have no effect. */
export type Release = () => void

/** Gives places to concurrent uploads. */
export type UploadLimiter = ReturnType<typeof createUploadLimiter>

type Waiter = { user: string; enter: () => void }

/**
 * Limits concurrent uploads to `count`, and those of one user to a quarter of it, rounded up. Further uploads
 * wait in a queue, each for at most `waitMs`. An upload that waits only because its user holds too many
 * places does not block those behind it.
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
        take(user) // at once, before another request can take the place
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
     * Waits for a place. Free places go to the first call whose user holds less than their share. Aborting
     * `signal` leaves the queue; it does not give a place back.
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
