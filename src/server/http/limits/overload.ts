/** The time in which refusals are counted, before it is decided whether the overload goes on. */
const WINDOW_MS = 500
const MAX_REFUSED = 1 / 2

/**
 * Tells whether many more calls come than can be worked on. An overload begins with a refusal. It ends when at most
 * half of the calls in a window are refused. Zero refusals cannot be the condition: without a queue, a normal load also
 * causes refusals (one in five with four places at 75 % load), so the overload would never end.
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
