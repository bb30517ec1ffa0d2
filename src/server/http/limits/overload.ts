/** How often the end of an overload is looked for. */
const WINDOW_MS = 500
/** Above this share of refusals it goes on. Without a queue, a load of three quarters causes one of five. */
const MAX_REFUSED = 1 / 3

/**
 * Tells whether many more calls come than can be worked on. That begins with a refusal, and goes on while more than a
 * third of the calls is refused. It does not wait for a time without refusals: calls that may not wait are refused at
 * an ordinary load, too, so a short burst would begin an overload that never ends.
 * @param onBegin called when an overload begins, not when one goes on
 */
export function createOverload({
  onBegin,
  now = () => performance.now()
}: {
  onBegin: () => void
  now?: () => number
}) {
  let end = -Infinity
  let accepted = 0
  let refused = 0

  function startWindow() {
    end = now() + WINDOW_MS
    accepted = refused = 0
  }

  function isOn(): boolean {
    const late = now() - end
    if (late < 0) return true
    const goesOn = late < WINDOW_MS && refused > MAX_REFUSED * (accepted + refused)
    if (goesOn) startWindow()
    return goesOn
  }

  return {
    isOn,
    countAccepted: () => {
      accepted++
    },
    countRefused: () => {
      if (!isOn()) {
        startWindow()
        onBegin()
      }
      refused++
    }
  }
}
