/** Time as the client sees it; injectable, so that tests choose the day and need not wait. */
export type Clock = {
  now: () => Date
  /** Rejects with the signal's reason as soon as it is aborted. */
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      setTimeout(resolve, milliseconds)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
}
