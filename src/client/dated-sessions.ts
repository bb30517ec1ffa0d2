import type { SessionData } from './storage-service.ts'

export type DatedSession = { date: Date; durationSeconds: number }

/** The sessions as figures count them, without those whose date is invalid: no account takes them. */
export function datedSessions(sessions: SessionData[]): DatedSession[] {
  return sessions
    .map(({ date, durationSeconds }) => ({ date: new Date(date), durationSeconds }))
    .filter(({ date }) => !Number.isNaN(date.getTime()))
}
