import type { Readable } from 'node:stream'
import type { NewAnalysis, NewSession, SessionChanges } from '../../contract/session-input.ts'
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

/**
 * Normalises the body of `POST /api/sessions`, which its schema has validated.
 * @param recording resolves to the recording that was received as `audioBase64`
 * @throws the errors of `recording`
 */
export async function readNewSession(
  body: NewSession,
  recording: () => Promise<Recording | null>
): Promise<SessionContent> {
  const analysis = readAnalysis(body.analysis)
  return {
    id: body.id?.toLowerCase(),
    date: readDate(body.date),
    songName: body.songName,
    instrument: body.instrument,
    durationSeconds: Math.round(body.duration),
    xmlContent: body.xmlContent ?? null,
    notes: body.notes ?? null,
    analysisSummary: analysis.analysisSummary ?? null,
    analysisFeedback: analysis.analysisFeedback ?? null,
    scoreAccuracy: analysis.scoreAccuracy ?? null,
    markedXml: analysis.markedXml ?? null,
    recording: typeof body.audioBase64 === 'string' ? await recording() : null
  }
}

/**
 * Normalises the body of `PATCH /api/sessions/:id`, which its schema has validated.
 * @throws {ApiError} invalid_input for two different durations
 */
export function readChanges(body: SessionChanges): ContentChanges {
  const { songName, instrument, xmlContent, notes } = body
  return withoutUndefined({
    songName,
    instrument,
    durationSeconds: readDuration(body),
    date: readDate(body.date),
    xmlContent,
    notes,
    ...readAnalysis(body.analysis)
  })
}

type SentAnalysis = { [Name in keyof AnalysisContent]?: AnalysisContent[Name] | undefined }

/**
 * The members of an analysis; undefined if they were not sent. A text is the feedback; the other members become null.
 */
function readAnalysis(analysis: NewAnalysis | undefined): SentAnalysis {
  if (analysis === undefined) return {}
  if (analysis === null || typeof analysis === 'string') {
    return { analysisSummary: null, analysisFeedback: analysis, scoreAccuracy: null, markedXml: null }
  }
  const { summary, feedback, scoreAccuracy, markedXml } = analysis
  return { analysisSummary: summary, analysisFeedback: feedback, scoreAccuracy, markedXml }
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

const withoutUndefined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>

/** In seconds. GET answers with `durationSeconds`, and POST takes `duration`. */
function readDuration({ duration, durationSeconds }: SessionChanges): number | undefined {
  const [seconds, other] = [duration, durationSeconds].filter((value) => value !== undefined).map(Math.round)
  if (other !== undefined && other !== seconds) {
    throw invalidInput('/durationSeconds', 'must equal duration, which means the same: send one of them')
  }
  return seconds
}

const readDate = (text: string | null | undefined) =>
  text === null || text === undefined ? undefined : new Date(text)
