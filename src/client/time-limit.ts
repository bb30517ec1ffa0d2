/** Resolves or rejects as `work`, or rejects with the error of `onLimit` after `milliseconds`. */
export function within<T>(milliseconds: number, work: Promise<T>, onLimit: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(onLimit()), milliseconds)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Runs `work` with a signal that is aborted after `milliseconds`, or with the given one. `AbortSignal.any`
 * and `AbortSignal.timeout` are missing before Safari 17.4 and 16.
 */
export async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(() => controller.abort(), milliseconds)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
