import { formatClock } from '../shared/format.ts'
import { elapsedSeconds, started, stopped } from './timer.ts'
import type { Announce } from './use-announcement.ts'
import type { Draft } from './use-draft.ts'

/** Practice without a recording: measured by the timer, or typed in. */
export function timerActions({ edit, timer }: Draft, announce: Announce) {
  return {
    startTimer() {
      const isResumed = timer.counted > 0
      edit(isResumed ? {} : { date: new Date().toISOString() }, started(timer))
      announce({ message: 'The timer is running. You can turn off the screen.' })
    },

    stopTimer() {
      const rested = stopped(timer)
      edit({ durationSeconds: Math.min(elapsedSeconds(rested), 86_400) }, rested)
      announce({ message: `Stopped after ${formatClock(elapsedSeconds(rested))}. Save, or continue.` })
    },

    setSeconds(durationSeconds: number) {
      edit({ durationSeconds }, { counted: durationSeconds * 1000, since: null })
    }
  }
}
