import { ApiError } from '../errors.ts'

/** Of all slots, what one user may hold: nobody who sends slowly keeps the others out. */
const SHARE = 1 / 4

/** Gives a slot back; more than once is fine. */
export type Release = () => void

export type UploadLimiter = ReturnType<typeof createUploadLimiter>

type Waiter = { user: string; enter: () => void }

/**
 * At most `count` at a time, a quarter of them for one user; the others wait in line, each for `waitMs` at most. Who
 * waits for a slot of their own share does not keep back those behind.
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
    // One at most: who waits could not enter before.
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
      const leave = (settle: () => void) => {
        waiting.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const enter = () => {
        take(user) // at once: nobody comes in between
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
     * Waits for a slot, first come first served among those whose share has room. Whoever goes away by `signal` loses
     * nothing but the place in line.
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
  new ApiError('server_busy', 'Many recordings are being saved at this moment. Repeat the request soon.')
