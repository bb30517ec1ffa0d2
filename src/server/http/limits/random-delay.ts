/** At most this many are held back at the same time. Further ones are not delayed. */
const MAX_HELD_BACK = 1000

/** Calls `goOn` after a random delay. */
export type RandomDelay = (goOn: () => void) => void

/**
 * Holds back refusals or requests for `min` to `max` milliseconds. Some clients repeat a request at once on each of
 * their connections, which would take all the time of the server. The times differ, so that the repetitions do not
 * arrive together.
 */
export function createRandomDelay({ min, max }: { min: number; max: number }): RandomDelay {
  let heldBack = 0

  return (goOn) => {
    if (heldBack >= MAX_HELD_BACK) return goOn()
    heldBack++
    const release = () => {
      heldBack--
      goOn()
    }
    setTimeout(release, min + Math.random() * (max - min))
  }
}
