/**
 * Resolves or rejects as `work`, or rejects with the error of `onLimit` after `milliseconds`, or with the reason of
 * `signal` when it is aborted.
 */
export function within<T>(
  milliseconds: number,
  work: Promise<T>,
  onLimit: () => Error,
  signal?: AbortSignal
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    if (signal?.aborted) abort()
    const timer = setTimeout(() => reject(onLimit()), milliseconds)
    signal?.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    })
  })
}
