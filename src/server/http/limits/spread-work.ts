/**
 * Runs tasks in the order in which they come, a few at a time, so that other work runs in between.
 * @param atOnce tasks that run together
 * @param pauseMs milliseconds until the next ones; without it, they run in the next turn of the event loop
 */
export function createSpread(atOnce: number, pauseMs?: number) {
  let due: Array<() => void> = []

  const schedule = () => (pauseMs === undefined ? setImmediate(doSome) : setTimeout(doSome, pauseMs))

  function doSome() {
    const some = due.slice(0, atOnce)
    due = due.slice(atOnce)
    if (due.length > 0) schedule()
    for (const work of some) work()
  }

  return (work: () => void): void => {
    due.push(work)
    if (due.length === 1) schedule()
  }
}
