/**
 * Runs tasks in the order in which they come, `perTurn` in each turn of the event loop, so that other work runs in
 * between.
 */
export function createSpread(perTurn: number) {
  let due: Array<() => void> = []

  function doSome() {
    const some = due.slice(0, perTurn)
    due = due.slice(perTurn)
    if (due.length > 0) setImmediate(doSome)
    for (const work of some) work()
  }

  return (work: () => void): void => {
    due.push(work)
    if (due.length === 1) setImmediate(doSome)
  }
}
