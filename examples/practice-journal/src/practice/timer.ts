import { useEffect, useState } from 'react'

/** Practice measured without a recording. */
export type TimerState = {
  /** Milliseconds counted before `since`. */
  counted: number
  /** When it was started, in milliseconds since 1970; null while it is stopped. */
  since: number | null
}

export const STOPPED: TimerState = { counted: 0, since: null }

/** By the wall clock, because phones suspend a page while their screen is off. */
export function elapsedSeconds({ counted, since }: TimerState, now = Date.now()): number {
  return Math.round((counted + (since === null ? 0 : Math.max(0, now - since))) / 1000)
}

export function started(timer: TimerState, now = Date.now()): TimerState {
  return { ...timer, since: timer.since ?? now }
}

export function stopped(timer: TimerState, now = Date.now()): TimerState {
  return { counted: elapsedSeconds(timer, now) * 1000, since: null }
}

/** Renders again every half second while the timer runs. Returns the elapsed seconds. */
export function useElapsedSeconds(timer: TimerState): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (timer.since === null) return
    const tick = () => setNow(Date.now())
    const interval = setInterval(tick, 500)
    addEventListener('focus', tick)
    return () => {
      clearInterval(interval)
      removeEventListener('focus', tick)
    }
  }, [timer.since])
  return elapsedSeconds(timer, Math.max(now, timer.since ?? 0))
}
