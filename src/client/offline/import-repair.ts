import { MAX_DURATION_SECONDS, MAX_NAME_CHARACTERS, MAX_NOTES_CHARACTERS } from '../../contract/limits.ts'
import type { Failure, SessionData } from '../storage-service.ts'

/** A session as the account can take it, and what had to be changed. */
export type Repaired = { session: SessionData; changed: Failure | undefined }

/** Repairs members of a local session that the account would refuse, so that the rest can be imported. */
export function repair(session: SessionData): Repaired {
  const repaired = {
    ...session,
    songName: name(session.songName, 'Untitled'),
    instrument: name(session.instrument, 'Unknown instrument'),
    durationSeconds: Math.min(Math.max(session.durationSeconds, 0), MAX_DURATION_SECONDS),
    notes: session.notes == null ? null : storable(session.notes.slice(0, MAX_NOTES_CHARACTERS))
  }
  const members = (['songName', 'instrument', 'durationSeconds', 'notes'] as const).filter(
    (member) => repaired[member] !== (session[member] ?? null)
  )
  if (members.length === 0) return { session, changed: undefined }
  const detail = `Imported with another ${members.map((member) => LABELS[member]).join(', ')}.`
  return { session: repaired, changed: { status: 0, code: 'session_repaired', detail } }
}

const LABELS = { songName: 'song name', instrument: 'instrument', durationSeconds: 'length', notes: 'notes' }

function name(given: string, missing: string): string {
  const text = storable(given.slice(0, MAX_NAME_CHARACTERS))
  return text.trim() ? text : missing
}

/** Without the characters that no database stores: NUL and unpaired surrogates. */
function storable(text: string): string {
  return text.replace(/[\0\ud800-\udfff]/gu, '')
}
