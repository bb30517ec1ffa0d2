import {
  EARLIEST_YEAR,
  MAX_ANALYSIS_CHARACTERS,
  MAX_DURATION_SECONDS,
  MAX_HOURS_AHEAD,
  MAX_NAME_CHARACTERS,
  MAX_NOTES_CHARACTERS,
  MAX_XML_BYTES
} from '../../contract/limits.ts'
import type { Analysis, Failure, SessionData } from '../storage-service.ts'

/** A session as the account can take it, and what had to be changed. */
export type Repaired = { session: SessionData; changed: Failure | undefined }

/** The time of the import, and the date that the session has in the account when it was imported in part. */
export type ImportTime = { now: Date; dateInAccount: string | undefined }

const LABELS = {
  songName: 'song name',
  instrument: 'instrument',
  durationSeconds: 'length',
  date: 'date',
  notes: 'notes',
  xmlContent: 'score',
  summary: 'summary',
  feedback: 'feedback',
  scoreAccuracy: 'accuracy',
  markedXml: 'marked score'
}

/** Repairs members of a local session that the account would refuse, so that the rest can be imported. */
export function repair(session: SessionData, time: ImportTime): Repaired {
  const { analysis } = session
  const repaired = {
    ...session,
    songName: name(session.songName, 'Untitled'),
    instrument: name(session.instrument, 'Unknown instrument'),
    durationSeconds: between(0, session.durationSeconds, MAX_DURATION_SECONDS),
    date: date(session.date, time),
    notes: text(session.notes, MAX_NOTES_CHARACTERS),
    xmlContent: score(session.xmlContent),
    analysis: analysis ? repairAnalysis(analysis) : null
  }
  const [before, after]: Record<string, unknown>[] = [session, repaired].map(flat)
  const changed = Object.entries(LABELS)
    .filter(([member]) => (before?.[member] ?? null) !== (after?.[member] ?? null))
    .map(([member, label]) =>
      after?.[member] == null ? `${label} (left out, because it is too large)` : label
    )
  if (changed.length === 0) return { session, changed: undefined }
  const detail = `Imported with changes: ${changed.join(', ')}.`
  return { session: repaired, changed: { status: 0, code: 'session_repaired', detail } }
}

/** The members of the session and those of its analysis. */
const flat = (session: SessionData) => ({ ...session, ...session.analysis })

function repairAnalysis({ summary, feedback, scoreAccuracy, markedXml }: Analysis): Analysis {
  return {
    summary: text(summary, MAX_ANALYSIS_CHARACTERS),
    feedback: text(feedback, MAX_ANALYSIS_CHARACTERS),
    scoreAccuracy: scoreAccuracy === null ? null : between(0, Math.round(scoreAccuracy), 100),
    markedXml: score(markedXml)
  }
}

function between(min: number, value: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}

/** A date that the account does not take is replaced. A repeated import must find the same one again. */
function date(given: string, { now, dateInAccount }: ImportTime): string {
  const isTaken = given >= EARLIEST_YEAR && Date.parse(given) <= now.getTime() + MAX_HOURS_AHEAD * 3_600_000
  return isTaken ? given : (dateInAccount ?? now.toISOString())
}

function name(given: string, missing: string): string {
  const cut = text(given, MAX_NAME_CHARACTERS)
  return cut?.trim() ? cut : missing
}

/** A score that is too large is left out: a part of it would be none. */
function score(given: string | null | undefined): string | null {
  const xml = text(given, Infinity)
  return xml && new Blob([xml]).size > MAX_XML_BYTES ? null : xml
}

/** Without the characters that no database stores, NUL and unpaired surrogates, and cut if it is too long. */
function text(given: string | null | undefined, maxCharacters: number): string | null {
  const storable = given?.replace(/[\0\ud800-\udfff]/gu, '') ?? null
  return storable && storable.length > maxCharacters
    ? [...storable].slice(0, maxCharacters).join('')
    : storable
}
