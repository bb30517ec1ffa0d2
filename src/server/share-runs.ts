/** Wraps `work` so that concurrent calls with the same key share one run, with its result or its error. */
export function shareRuns<Key, Result>(work: (key: Key) => Promise<Result>): (key: Key) => Promise<Result> {
  const running = new Map<Key, Promise<Result>>()

  return (key) => {
    const run = running.get(key) ?? work(key).finally(() => running.delete(key))
    running.set(key, run)
    return run
  }
}
