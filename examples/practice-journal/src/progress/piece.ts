import type { SessionData } from '@harmony-helper/client'
import { dayOf } from '../shared/format.ts'
import type { Day } from './periods.ts'

/** How a piece went on one occasion. */
export type Accuracy = { date: string; percent: number }

/** The days on which a piece was practised. */
export function daysOfPiece(history: SessionData[], piece: string): Day[] {
  const seconds = new Map<string, { seconds: number; sessions: number }>()
  for (const { songName, date, durationSeconds } of history) {
    if (songName !== piece) continue
    const day = seconds.get(dayOf(date)) ?? { seconds: 0, sessions: 0 }
    seconds.set(dayOf(date), { seconds: day.seconds + durationSeconds, sessions: day.sessions + 1 })
  }
  return [...seconds].map(([date, day]) => ({
    date,
    minutes: Math.round(day.seconds / 60),
    sessions: day.sessions
  }))
}

/** The accuracies of a piece, oldest first. */
export function accuraciesOf(history: SessionData[], piece: string): Accuracy[] {
  return history
    .flatMap(({ songName, date, scoreAccuracy }) =>
      songName === piece && scoreAccuracy != null ? [{ date, percent: scoreAccuracy }] : []
    )
    .sort((a, b) => Date.parse(a.date) - Date.parse(b.date))
}
