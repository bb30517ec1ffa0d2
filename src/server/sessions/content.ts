import type { Readable } from 'node:stream'
import {
  MAX_XML_BYTES,
  type NewAnalysis,
  type NewSession,
  type SessionChanges
} from '../../contract/sessions.ts'
import { invalidInput } from '../errors.ts'
import type { AudioFormat } from '../audio/formats.ts'

/**
 * A recording to be stored. `sha256` is lower-case hexadecimal. Each call of `stream` reads from the
 * beginning.
 */
export type Recording = { format: AudioFormat; bytes: number; sha256: string; stream: () => Readable }

type AnalysisContent = {
  analysisSummary: string | null
  analysisFeedback: string | null
  scoreAccuracy: number | null
  markedXml: string | null
}

/** What a session says, in the form in which it is stored and compared. */
type StoredContent = AnalysisContent & {
  songName: string
  instrument: string
  durationSeconds: number
  xmlContent: string | null
  notes: string | null
}

/** A session to be saved, validated. */
export type SessionContent = StoredContent & {
  /** Lower case; undefined when the client sent none. */
  id: string | undefined
  /** Undefined when the client sent none: the time of the save. */
  date: Date | undefined
  recording: Recording | null
}

/** The members of a session that an edit sets. */
export type ContentChanges = Partial<StoredContent & { date: Date }>

type Sources = {
  now: Date
  /** Resolves to the recording that was received as `audioBase64`. */
  recording: () => Promise<Recording | null>
}

/**
 * Normalises the body of `POST /api/sessions`, which its schema has validated.
 * @throws {ApiError} invalid_input for dates and byte lengths, which a schema cannot check; the errors of
 * `recording`
 */
export async function readNewSession(body: NewSession, { now, recording }: Sources): Promise<SessionContent> {
  checkScores(body)
  return {
    id: body.id?.toLowerCase(),
    date: readDate(body.date, now),
    songName: body.songName,
    instrument: body.instrument,
    durationSeconds: Math.round(body.duration),
    xmlContent: body.xmlContent ?? null,
    notes: body.notes ?? null,
    ...NO_ANALYSIS,
    ...readAnalysis(body.analysis),
    recording: typeof body.audioBase64 === 'string' ? await recording() : null
  }
}

/**
 * Normalises the body of `PATCH /api/sessions/:id`, which its schema has validated.
 * @throws {ApiError} invalid_input, as `readNewSession`, and for two different durations
 */
export function readChanges(body: SessionChanges, now: Date): ContentChanges {
  checkScores(body)
  const { songName, instrument, xmlContent, notes } = body
  return withoutUndefined({
    songName,
    instrument,
    durationSeconds: readDuration(body),
    date: readDate(body.date, now),
    xmlContent,
    notes,
    ...readAnalysis(body.analysis)
  })
}

const NO_ANALYSIS = { analysisSummary: null, analysisFeedback: null, scoreAccuracy: null, markedXml: null }

/** The members of an analysis that were sent. A text is the feedback alone. */
function readAnalysis(analysis: NewAnalysis | undefined): Partial<AnalysisContent> {
  if (analysis === undefined) return {}
  if (analysis === null || typeof analysis === 'string') return { ...NO_ANALYSIS, analysisFeedback: analysis }
  const { summary, feedback, scoreAccuracy, markedXml } = analysis
  return withoutUndefined({ analysisSummary: summary, analysisFeedback: feedback, scoreAccuracy, markedXml })
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

const withoutUndefined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>

function checkScores({ xmlContent, analysis }: Pick<NewSession, 'xmlContent' | 'analysis'>): void {
  checkScore('/xmlContent', xmlContent)
  if (typeof analysis === 'object') checkScore('/analysis/markedXml', analysis?.markedXml)
}

function checkScore(path: string, score: string | null | undefined): void {
  if (score && Buffer.byteLength(score) > MAX_XML_BYTES) {
    throw invalidInput(path, `must have at most ${MAX_XML_BYTES} bytes of UTF-8`)
  }
}

/** In seconds. GET answers with `durationSeconds`, and POST takes `duration`. */
function readDuration({ duration, durationSeconds }: SessionChanges): number | undefined {
  const [seconds, other] = [duration, durationSeconds].filter((value) => value !== undefined).map(Math.round)
  if (other !== undefined && other !== seconds) {
    throw invalidInput('/durationSeconds', 'must equal duration, which means the same: send one of them')
  }
  return seconds
}

const EARLIEST = Date.UTC(1900, 0)
const HOURS_AHEAD = 48

function readDate(text: string | null | undefined, now: Date): Date | undefined {
  if (text === null || text === undefined) return undefined
  const date = new Date(text)
  const latest = now.getTime() + HOURS_AHEAD * 3_600_000
  // Negated, so that an invalid date (NaN), such as a leap second, is refused as well.
  if (!(date.getTime() >= EARLIEST && date.getTime() <= latest)) {
    throw invalidInput(
      '/date',
      `must be an RFC 3339 time with an offset, from 1900 to ${HOURS_AHEAD} hours ahead`
    )
  }
  return date
}
