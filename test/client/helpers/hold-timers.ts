import type { Test } from 'tap'

/** Replaces `setTimeout` during a test. `elapse` calls what is due after that many milliseconds. */
export function holdTimers(t: Test) {
  const { setTimeout: original } = globalThis
  const held: Array<{ callback: () => void; delay: number }> = []
  const hold = (callback: () => void, delay = 0) => held.push({ callback, delay })
  globalThis.setTimeout = hold as unknown as typeof setTimeout
  t.teardown(() => {
    globalThis.setTimeout = original
  })
  return {
    elapse(milliseconds: number) {
      for (const { callback, delay } of held) if (delay <= milliseconds) callback()
    }
  }
}
