import type { SessionData } from './storage-service.ts'

/** The order of every history: newest first, equal dates by id. Dates that cannot be read come last. */
export function newestFirst(sessions: SessionData[]): SessionData[] {
  return sessions.sort((a, b) => time(b) - time(a) || (a.id < b.id ? -1 : 1))
}

function time({ date }: SessionData): number {
  return Date.parse(date) || 0
}
