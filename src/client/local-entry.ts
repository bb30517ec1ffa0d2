import { readAnalysis, writeAnalysis } from './analysis.ts'
import { StorageError, type SessionData } from './storage-service.ts'

/**
 * A session as the existing app keeps it in its history. Read with care: the entries of years were written by many
 * versions, and members that we do not know belong to that app and are kept.
 *
 * - The recording is `audioBase64`, a `data:` URL or `""`; or `audioUrl`, of which `blob:` died with its page.
 * - `audioBlob: {}` is what JSON made of a Blob: a recording that is lost.
 * - `totalPracticeSeconds`, when above 0, is the length of practice.
 * - `recordingInIndexedDb` is ours: localStorage had no room, see `LocalRecordings`.
 */
export type Entry = Record<string, unknown>

/** The session without what a list does not carry. */
export function readListed(entry: Entry): SessionData {
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

/** The whole session, apart from a recording in IndexedDB. */
export function readWhole(entry: Entry): SessionData {
  const xml = entry['xmlContent']
  return {
    ...readListed(entry),
    xmlContent: typeof xml === 'string' && xml ? xml : null,
    analysis: readAnalysis(entry['analysis'])
  }
}

/**
 * The session as an entry, apart from its recording.
 *
 * @throws StorageError `invalid_input` for what the server would refuse too, so that either mode tells the same mistakes
 */
export function writeEntry(session: SessionData): Entry {
  const { id, date, songName, instrument, durationSeconds, xmlContent, analysis } = session
  const names = [songName, instrument].every((name) => name.trim() && name.length <= 300)
  if (!names || !(durationSeconds >= 0 && durationSeconds <= 86_400) || Number.isNaN(Date.parse(date))) {
    throw new StorageError(
      400,
      'invalid_input',
      'A session needs a song and an instrument of 1 to 300 characters, 0 to 86400 seconds, and a date.'
    )
  }
  return {
    id,
    date: isoDate(date),
    songName,
    instrument,
    durationSeconds: Math.round(durationSeconds),
    xmlContent: xmlContent ?? '', // a string always: the existing app hands it to its score viewer
    analysis: writeAnalysis(readAnalysis(analysis)) ?? undefined
  }
}

/** Where an entry's recording can be played from, unless it is in IndexedDB. */
function recordingUrl({ audioBase64, audioUrl }: Entry): string | null {
  if (typeof audioBase64 === 'string' && audioBase64) {
    return audioBase64.startsWith('data:') ? audioBase64 : `data:audio/webm;base64,${audioBase64}`
  }
  return typeof audioUrl === 'string' && /^(https?|data):/.test(audioUrl) ? audioUrl : null
}

// A date that cannot be read stays as it is: whoever imports it is told, and nothing is made up.
function isoDate(value: unknown): string {
  const date = new Date(value as string | number)
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString()
}
