type Options = {
  /** How long to wait. */
  waitMs: number
  /** The error after `waitMs`, and when the caller of `refuse` names none. */
  refusal: Error
  /** Rejects with its reason when it is aborted. */
  signal: AbortSignal | undefined
  /** Called when the wait ends with an error, before the promise rejects. */
  onRefused: () => void
}

/** A call that waits. Its wait ends once: with `admit` or `refuse`, after a time, or when a signal is aborted. */
export function createWaiter<T>({ waitMs, refusal, signal, onRefused }: Options) {
  let admit: (value: T) => void = () => {}
  let refuse: (reason?: unknown) => void = () => {}

  const admitted = new Promise<T>((resolve, reject) => {
    const abort = () => refuse(signal?.reason)
    const timer = setTimeout(() => refuse(), waitMs)
    signal?.addEventListener('abort', abort, { once: true })
    const stopListening = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    admit = (value) => {
      stopListening()
      resolve(value)
    }
    refuse = (reason = refusal) => {
      stopListening()
      onRefused()
      reject(reason)
    }
  })
  return { admitted, admit, refuse }
}
