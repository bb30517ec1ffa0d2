import type { Readable } from 'node:stream'
import { createHash } from 'node:crypto'
import { MAX_XML_BYTES, type NewSession } from '../../contract/sessions.ts'
import { invalidInput } from '../errors.ts'
import type { AudioFormat } from '../audio/formats.ts'
import type { SessionRow } from './repository.ts'

/** A recording as it will be stored. `sha256` is lower-case hexadecimal; `stream` begins anew each time. */
export type Recording = { format: AudioFormat; bytes: number; sha256: string; stream: () => Readable }

/** A session to be saved, checked and in the form in which it is stored and compared. */
export type SessionContent = {
  /** Lower case; undefined when the client left the choice to us. */
  id: string | undefined
  /** Undefined means now. */
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

type Beside = {
  now: Date
  /** The recording for which `audioBase64` stands in the body. */
  recording: () => Promise<Recording | null>
}

/** @throws {ApiError} for what a schema cannot say: dates, byte lengths, the recording */
export async function readNewSession(body: NewSession, { now, recording }: Beside): Promise<SessionContent> {
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
  // A negated comparison, so that an invalid date (NaN), such as a leap second, is refused too.
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

/** Whether saving `content` again is a repetition of what is stored. The date counts only if it was sent. */
export function isSameContent(content: SessionContent, stored: SessionRow): boolean {
  // A row whose deletion was begun has lost its URL but not its digest: it has no recording any more.
  const storedRecording = stored.audioUrl === null ? null : stored.recordingSha256
  return (
    FIELDS.every((field) => content[field] === stored[field]) &&
    (content.recording?.sha256 ?? null) === storedRecording &&
    (content.date === undefined || content.date.getTime() === stored.date.getTime())
  )
}

/** Tells equal saves in flight from different ones. Without the date, which equal saves may or may not send. */
export function digestContent(content: SessionContent): string {
  const fields = [...FIELDS.map((field) => content[field]), content.recording?.sha256 ?? null]
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex')
}
