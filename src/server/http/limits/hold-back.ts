/** Range of the time for which something is held back, in milliseconds. */
const [MIN_DELAY_MS, MAX_DELAY_MS] = [20, 60]
/** Most that are held back at the same time. Further ones are not delayed. */
const MAX_HELD_BACK = 1000

/** Goes on after a moment. */
export type HoldBack = (goOn: () => void) => void

/**
 * Holds back refusals or requests for a moment. Some clients repeat a request at once on each of their connections,
 * which would take all the time of the server. The moments differ, so that the repetitions do not arrive together.
 */
export function createHoldBack(): HoldBack {
  let heldBack = 0

  return (goOn) => {
    if (heldBack >= MAX_HELD_BACK) return goOn()
    heldBack++
    const release = () => {
      heldBack--
      goOn()
    }
    setTimeout(release, MIN_DELAY_MS + Math.random() * (MAX_DELAY_MS - MIN_DELAY_MS))
  }
}
