import type { Readable } from 'node:stream'
import { createHash } from 'node:crypto'
import { MAX_XML_BYTES, type NewSession } from '../../contract/sessions.ts'
import { invalidInput } from '../errors.ts'
import type { AudioFormat } from '../audio/formats.ts'
import type { SessionRow } from './repository.ts'

/**
 * A recording to be stored. `sha256` is lower-case hexadecimal. Each call of `stream` reads from the
 * beginning.
 */
export type Recording = { format: AudioFormat; bytes: number; sha256: string; stream: () => Readable }

/** A session to be saved: validated, and in the form in which it is stored and compared. */
export type SessionContent = {
  /** Lower case; undefined when the client sent none. */
  id: string | undefined
  /** Undefined when the client sent none: the time of the save. */
  date: Date | undefined
  songName: string
  instrument: string
  durationSeconds: number
  xmlContent: string | null
  analysisSummary: string | null
  analysisFeedback: string | null
  scoreAccuracy: number | null
  recording: Recording | null
}

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
  const {
    summary = null,
    feedback = null,
    scoreAccuracy = null
  } = typeof body.analysis === 'string' ? { feedback: body.analysis } : (body.analysis ?? {})
  if (body.xmlContent && Buffer.byteLength(body.xmlContent) > MAX_XML_BYTES) {
    throw invalidInput('/xmlContent', `must have at most ${MAX_XML_BYTES} bytes of UTF-8`)
  }
  return {
    id: body.id?.toLowerCase(),
    date: readDate(body.date, now),
    songName: body.songName,
    instrument: body.instrument,
    durationSeconds: Math.round(body.duration),
    xmlContent: body.xmlContent ?? null,
    analysisSummary: summary,
    analysisFeedback: feedback,
    scoreAccuracy,
    recording: typeof body.audioBase64 === 'string' ? await recording() : null
  }
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

const FIELDS = [
  'songName',
  'instrument',
  'durationSeconds',
  'xmlContent',
  'analysisSummary',
  'analysisFeedback',
  'scoreAccuracy'
] as const

/** Whether `content` repeats the stored session. The date is compared only if it was sent. */
export function isSameContent(content: SessionContent, stored: SessionRow): boolean {
  // A deletion in progress has cleared the URL but not the digest: the session has no recording any more.
  const storedRecording = stored.audioUrl === null ? null : stored.recordingSha256
  return (
    FIELDS.every((field) => content[field] === stored[field]) &&
    (content.recording?.sha256 ?? null) === storedRecording &&
    (content.date === undefined || content.date.getTime() === stored.date.getTime())
  )
}

/**
 * SHA-256 of the content, lower-case hexadecimal, by which a lease recognises equal saves in flight. The date
 * is left out because equal saves may or may not send it.
 */
export function digestContent(content: SessionContent): string {
  const fields = [...FIELDS.map((field) => content[field]), content.recording?.sha256 ?? null]
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex')
}
