import { ApiError } from '../../errors.ts'

/** Gives a slot back; more than once is fine. */
export type Release = () => void

export type Slots = ReturnType<typeof createSlots>

/** At most `count` at a time; the others wait in line, each for `waitMs` at most. */
export function createSlots ({ count, waitMs }: { count: number, waitMs: number }) {
  const waiting = new Set<() => void>()
  let free = count

  function pass () {
    const [next] = waiting
    if (next) next()
    else free++
  }

  function releaseOnce (): Release {
    let isHeld = true
    return () => {
      if (isHeld) pass()
      isHeld = false
    }
  }

  function wait (signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (settle: () => void) => {
        waiting.delete(enter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const enter = () => leave(resolve)
      const abort = () => leave(() => reject(signal?.reason))
      const timer = setTimeout(() => leave(() => reject(serverBusy())), waitMs)
      signal?.addEventListener('abort', abort, { once: true })
      waiting.add(enter)
    })
  }

  return {
    /**
     * Waits for a slot, first come first served. Whoever goes away by `signal` loses nothing but the place in line.
     * @throws {ApiError} server_busy after `waitMs`
     */
    async acquire (signal?: AbortSignal): Promise<Release> {
      signal?.throwIfAborted()
      if (free > 0) free--
      else await wait(signal)
      return releaseOnce()
    }
  }
}

const serverBusy = () => new ApiError('server_busy', 'Many recordings are being saved at this moment. Repeat the request soon.')
