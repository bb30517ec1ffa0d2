type Options = {
  /** Pieces that are done in each turn of the event loop. */
  perTurn: number
  /** The part of the waiting pieces that is done in each turn, if that is more. Then the queue stays short. */
  share?: number
}

/**
 * Does the work that it is given, in order, and some of it in each turn of the event loop. Many pieces at once do not
 * delay other work for longer than some of them take.
 */
export function createSpread({ perTurn, share = 0 }: Options) {
  let due: Array<() => void> = []

  function doSome() {
    const count = Math.max(perTurn, Math.ceil(due.length * share))
    const some = due.slice(0, count)
    due = due.slice(count)
    if (due.length > 0) setImmediate(doSome)
    for (const work of some) work()
  }

  return (work: () => void): void => {
    due.push(work)
    if (due.length === 1) setImmediate(doSome)
  }
}
