import { formatClock } from '../shared/format.ts'
import { elapsedSeconds, started, stopped } from './timer.ts'
import type { Announcements } from './use-announcements.ts'
import type { Draft } from './use-draft.ts'

/** Practice without a recording: measured by the timer, or typed in. */
export function timerActions({ edit, timer }: Draft, { tell }: Announcements) {
  return {
    startTimer() {
      const isResumed = timer.counted > 0
      edit(isResumed ? {} : { date: new Date().toISOString() }, started(timer))
      tell('The timer is running. You can turn off the screen.')
    },

    stopTimer() {
      const rested = stopped(timer)
      edit({ durationSeconds: Math.min(elapsedSeconds(rested), 86_400) }, rested)
      tell(`Stopped after ${formatClock(elapsedSeconds(rested))}. Save, or continue.`)
    },

    setSeconds(durationSeconds: number) {
      edit({ durationSeconds }, { counted: durationSeconds * 1000, since: null })
    }
  }
}
