import type { SessionData } from './storage-service.ts'

/** Sorts in place: newest first, equal dates by id, invalid dates last. */
export function newestFirst(sessions: SessionData[]): SessionData[] {
  return sessions.sort((a, b) => time(b) - time(a) || (a.id < b.id ? -1 : 1))
}

function time({ date }: SessionData): number {
  return Date.parse(date) || 0
}
