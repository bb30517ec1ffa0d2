import {
  EARLIEST_YEAR,
  MAX_DURATION_SECONDS,
  MAX_HOURS_AHEAD,
  MAX_NAME_CHARACTERS,
  MAX_NOTES_CHARACTERS
} from '../contract/limits.ts'
import { readAnalysis, stringOrNull, writeAnalysis } from './analysis.ts'
import { applyChanges } from './session-changes.ts'
import { StorageError, type SessionChanges, type SessionData } from './storage-service.ts'

/**
 * A session in the existing app's history. Many versions of that app have written entries, so every member is
 * checked when read, and unknown members are preserved.
 *
 * - The recording is in `audioBase64`, a `data:` URL or `""`, or behind `audioUrl`. A `blob:` URL ended with
 *   its page.
 * - `audioBlob: {}` is a Blob after JSON.stringify: that recording is lost.
 * - `totalPracticeSeconds`, when above 0, is the duration.
 * - Our own members: `notes`; `recordingInIndexedDb`, when the recording is in `LocalRecordings` because
 *   localStorage was full; and of an edited session `importKey` and `savedAs`, the checksum of its first save.
 */
export type LocalEntry = Record<string, unknown>

/** The session as a list shows it, without score, analysis and notes. */
export function toListedSession(entry: LocalEntry): SessionData {
  return {
    id: String(entry['id'] ?? entry['date']),
    date: isoDate(entry['date']),
    songName: String(entry['songName'] ?? ''),
    instrument: String(entry['instrument'] ?? ''),
    durationSeconds: Math.round(
      Number(entry['totalPracticeSeconds']) || Number(entry['durationSeconds']) || 0
    ),
    audioUrl: recordingUrl(entry),
    scoreAccuracy: readAnalysis(entry['analysis'])?.scoreAccuracy ?? null,
    ...(typeof entry['importKey'] === 'string' && { importKey: entry['importKey'] })
  }
}

/** The full session, except for a recording in IndexedDB. */
export function toSession(entry: LocalEntry): SessionData {
  const { scoreAccuracy, ...listed } = toListedSession(entry)
  return {
    ...listed,
    xmlContent: stringOrNull(entry['xmlContent']) || null,
    analysis: readAnalysis(entry['analysis']),
    notes: stringOrNull(entry['notes'])
  }
}

/**
 * The entry for a session, without its recording.
 *
 * @throws StorageError `invalid_input` for input that the server rejects as well
 */
export function toEntry(session: SessionData, now: Date): LocalEntry {
  check(session, now)
  return writeEntry(session)
}

function writeEntry(session: SessionData): LocalEntry {
  const { id, date, songName, instrument, durationSeconds, xmlContent, analysis, notes } = session
  return {
    id,
    date: isoDate(date),
    songName,
    instrument,
    durationSeconds: Math.round(durationSeconds),
    xmlContent: xmlContent ?? '', // never null: the existing app passes it to its score viewer
    analysis: writeAnalysis(readAnalysis(analysis)) ?? undefined,
    notes: notes ?? undefined
  }
}

/**
 * The entry after the changes, with its recording and its unknown members.
 *
 * @throws StorageError `invalid_input`
 */
export function changeEntry(entry: LocalEntry, changes: SessionChanges, now: Date): LocalEntry {
  const session = toSession(entry)
  // The changes alone: what an old entry has otherwise is no reason to reject them.
  check(
    applyChanges({ id: '', date: '2000', songName: '-', instrument: '-', durationSeconds: 0 }, changes),
    now
  )
  const changed = writeEntry(applyChanges(session, changes))
  return {
    ...entry,
    importKey: importKey(session),
    savedAs: entry['savedAs'] ?? checksumOf(session),
    ...changed,
    // Takes precedence over `durationSeconds`.
    ...(Number(entry['totalPracticeSeconds']) > 0 && { totalPracticeSeconds: changed['durationSeconds'] })
  }
}

/** Equal for two saves of the same content, the recording apart. */
export function checksumOf(session: SessionData): string {
  const text = JSON.stringify(writeEntry(session))
  let [a, b] = [1, 1]
  for (let i = 0; i < text.length; i++) {
    // Both factors are odd primes, so that no difference of a single character is lost.
    a = Math.imul(a ^ text.charCodeAt(i), 2_654_435_761)
    b = Math.imul(b ^ text.charCodeAt(i), 1_597_334_677)
  }
  return `${text.length} ${a} ${b}`
}

/** Text that identifies a local session whose id is no UUID: the members that it was saved with. */
export function importKey(session: SessionData): string {
  const { importKey, id, date, songName, instrument, durationSeconds } = session
  return importKey ?? JSON.stringify(['harmony-helper', id, date, songName, instrument, durationSeconds])
}

/**
 * Does not find a date without a time zone, and scores and texts of an analysis that are too large, because the entry
 * point of the client must stay small.
 *
 * @throws StorageError `invalid_input` for other values that the server rejects as well
 */
function check(session: SessionData, now: Date): void {
  const { date, songName, instrument, durationSeconds, notes, analysis } = session
  const score = analysis?.scoreAccuracy ?? 0
  const isValid =
    isName(songName) &&
    isName(instrument) &&
    [...(notes ?? '')].length <= MAX_NOTES_CHARACTERS &&
    durationSeconds !== null &&
    durationSeconds >= 0 &&
    durationSeconds <= MAX_DURATION_SECONDS &&
    Number.isInteger(score) &&
    score >= 0 &&
    score <= 100 &&
    date >= EARLIEST_YEAR &&
    Date.parse(date) <= now.getTime() + MAX_HOURS_AHEAD * 3_600_000 &&
    !UNSTORABLE.test(Object.values({ ...session, ...analysis }).join())
  if (!isValid) {
    throw new StorageError(400, 'invalid_input', 'Check song, instrument, length, date, notes and accuracy.')
  }
}

// NUL and unpaired surrogates.
const UNSTORABLE = /[\0\ud800-\udfff]/u

const isName = (name: string) => name?.trim() && [...name].length <= MAX_NAME_CHARACTERS

/** The URL of an entry's recording; null when it has none or when it is in IndexedDB. */
function recordingUrl({ audioBase64, audioUrl }: LocalEntry): string | null {
  if (typeof audioBase64 === 'string' && audioBase64) {
    return audioBase64.startsWith('data:') ? audioBase64 : `data:audio/webm;base64,${audioBase64}`
  }
  return typeof audioUrl === 'string' && /^(https?|data):/.test(audioUrl) ? audioUrl : null
}

// An invalid date, of which `toJSON` makes null, stays unchanged, so that an import can report it.
function isoDate(value: unknown): string {
  return new Date(value as string | number).toJSON() ?? String(value)
}
