/**
 * Returns a function that runs `work` at most once at a time. All calls during a run share one following run,
 * so the work of each call starts after that call.
 */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined

  function run(): Promise<T> {
    next = undefined
    const current = work().finally(() => {
      if (running === current) running = undefined
    })
    running = current
    return current
  }

  return () => {
    // Checked first: between two runs, `running` is unset although `next` is about to start.
    if (next) return next
    if (!running) return run()
    next = running.then(run, run)
    return next
  }
}
