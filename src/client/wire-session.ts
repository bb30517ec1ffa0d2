import type { SessionListItem } from '../contract/session-list.ts'
import { base64Parts } from './base64.ts'
import type { SessionChanges, SessionData, StorageError } from './storage-service.ts'

/** Sessions as the API has them: paths, request bodies, rows of the list, the answer for a missing one. */

export function sessionPath(id: string): string {
  return `/api/sessions/${encodeURIComponent(id)}`
}

export function fromRow(row: SessionListItem): SessionData {
  return {
    id: row.id,
    date: row.date,
    songName: row.song_name,
    instrument: row.instrument,
    durationSeconds: row.duration_seconds,
    audioUrl: row.audio_url,
    scoreAccuracy: row.score_accuracy ?? null
  }
}

/** The request body of a save. A Blob of parts, because with a recording it may have 70 MB. */
export async function saveBody({
  id,
  date,
  songName,
  instrument,
  durationSeconds,
  xmlContent,
  analysis,
  notes,
  audio
}: SessionData): Promise<Blob> {
  const session = JSON.stringify({
    id,
    date,
    songName,
    instrument,
    duration: durationSeconds,
    xmlContent,
    analysis,
    notes
  })
  if (!audio?.size) return new Blob([session])
  return new Blob([session.slice(0, -1), ',"audioBase64":"', ...(await base64Parts(audio)), '"}'])
}

export function changesBody({ durationSeconds: duration, ...changes }: SessionChanges): Blob {
  return new Blob([JSON.stringify({ ...changes, duration })])
}

/** Replaces a 404 by `answer`, except for an unknown route, which means a wrong base URL. */
export function unlessMissing<T>(answer: T): (error: Partial<StorageError>) => T {
  return (error) => {
    if (error.status === 404 && error.code !== 'route_not_found') return answer
    throw error
  }
}
