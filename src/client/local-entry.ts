import { readAnalysis, writeAnalysis } from './analysis.ts'
import { StorageError, type SessionData } from './storage-service.ts'

/**
 * A session in the existing app's history. Many versions of that app have written entries, so every member is
 * checked when read, and unknown members are preserved.
 *
 * - The recording is in `audioBase64`, a `data:` URL or `""`, or behind `audioUrl`. A `blob:` URL ended with
 *   its page.
 * - `audioBlob: {}` is a Blob after JSON.stringify: that recording is lost.
 * - `totalPracticeSeconds`, when above 0, is the duration.
 * - `recordingInIndexedDb` is our own member: the recording is in `LocalRecordings`, because localStorage was
 *   full.
 */
export type LocalEntry = Record<string, unknown>

/** The session as a list shows it, without score and analysis. */
export function toListedSession(entry: LocalEntry): SessionData {
  return {
    id: String(entry['id'] ?? entry['date']),
    date: isoDate(entry['date']),
    songName: String(entry['songName'] ?? ''),
    instrument: String(entry['instrument'] ?? ''),
    durationSeconds: Math.round(
      Number(entry['totalPracticeSeconds']) || Number(entry['durationSeconds']) || 0
    ),
    audioUrl: recordingUrl(entry)
  }
}

/** The full session, except for a recording in IndexedDB. */
export function toSession(entry: LocalEntry): SessionData {
  const xml = entry['xmlContent']
  return {
    ...toListedSession(entry),
    xmlContent: typeof xml === 'string' && xml ? xml : null,
    analysis: readAnalysis(entry['analysis'])
  }
}

/**
 * The entry for a session, without its recording.
 *
 * @throws StorageError `invalid_input` for input that the server rejects as well
 */
export function toEntry(session: SessionData): LocalEntry {
  const { id, date, songName, instrument, durationSeconds, xmlContent, analysis } = session
  const names = [songName, instrument].every((name) => name.trim() && name.length <= 300)
  if (!names || !(durationSeconds >= 0 && durationSeconds <= 86_400) || Number.isNaN(Date.parse(date))) {
    throw new StorageError(
      400,
      'invalid_input',
      'A session needs a song and an instrument of 1 to 300 characters, 0 to 86400 seconds and a date.'
    )
  }
  return {
    id,
    date: isoDate(date),
    songName,
    instrument,
    durationSeconds: Math.round(durationSeconds),
    xmlContent: xmlContent ?? '', // never null: the existing app passes it to its score viewer
    analysis: writeAnalysis(readAnalysis(analysis)) ?? undefined
  }
}

/** The URL of an entry's recording; null when it has none or when it is in IndexedDB. */
function recordingUrl({ audioBase64, audioUrl }: LocalEntry): string | null {
  if (typeof audioBase64 === 'string' && audioBase64) {
    return audioBase64.startsWith('data:') ? audioBase64 : `data:audio/webm;base64,${audioBase64}`
  }
  return typeof audioUrl === 'string' && /^(https?|data):/.test(audioUrl) ? audioUrl : null
}

// An invalid date stays unchanged, so that an import can report it.
function isoDate(value: unknown): string {
  const date = new Date(value as string | number)
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString()
}
