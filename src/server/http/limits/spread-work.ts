/**
 * Does the work that it is given in the order in which it comes, `perTurn` pieces in each turn of the event loop. Many
 * pieces at once do not delay other work for longer than these take.
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
