/** The time in which refusals are counted, before it is decided whether the overload goes on. */
const WINDOW_MS = 500
const MAX_REFUSED = 1 / 2

/**
 * Tells whether many more calls come than can be worked on. An overload begins with a refusal, and goes on while more
 * than half of the calls are refused. It does not wait for a time without refusals: calls that may not wait are refused
 * at an ordinary load, too. With four places and a load of three quarters, one in five is refused, and more if the
 * clients try again: a short burst would begin an overload that never ends.
 * @param onBegin called when an overload begins, not when one goes on
 */
export function createOverload({
  onBegin,
  now = () => performance.now()
}: {
  onBegin: () => void
  now?: () => number
}) {
  let hasBegun = false // without it, every request would read the clock
  let windowEnd = 0
  let accepted = 0
  let refused = 0

  function startWindow() {
    windowEnd = now() + WINDOW_MS
    accepted = refused = 0
  }

  function isOn(): boolean {
    if (!hasBegun) return false
    const sinceEnd = now() - windowEnd
    if (sinceEnd < 0) return true
    hasBegun = sinceEnd < WINDOW_MS && refused > MAX_REFUSED * (accepted + refused)
    if (hasBegun) startWindow()
    return hasBegun
  }

  return {
    isOn,
    countAccepted: () => {
      accepted++
    },
    countRefused: () => {
      if (!isOn()) {
        hasBegun = true
        startWindow()
        onBegin()
      }
      refused++
    }
  }
}
