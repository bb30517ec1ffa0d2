/**
 * Runs work once at a time. Who asks while it runs gets the one run that follows, together with everybody else who
 * asked meanwhile: so each caller's work begins after the call, and never twice for nothing.
 */
export function coalesce<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined

  function run(): Promise<T> {
    next = undefined
    const mine = work().finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
    return mine
  }

  return () => {
    // Also in the moment between two runs, when the one is over and the other has not begun.
    if (next) return next
    if (!running) return run()
    next = running.then(run, run)
    return next
  }
}
