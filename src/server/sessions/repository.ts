import type { SessionListItem } from '../../contract/sessions.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Queries } from '../database/client.ts'
import type { Position } from './cursor.ts'

/** A session without its score. */
export type SessionHead = {
  id: string
  userId: string
  date: Date
  songName: string
  instrument: string
  durationSeconds: number
  analysisSummary: string | null
  analysisFeedback: string | null
  scoreAccuracy: number | null
  audioUrl: string | null
  recordingSha256: string | null
  recordingBytes: bigint | null
}

/** A session as it is written and compared, score and all. */
export type SessionRow = SessionHead & { xmlContent: string | null }

/** Characters of a score that are read at a time: four megabytes of UTF-8 at most. */
const SCORE_PIECE = 1024 * 1024

/** A session as it is read. Of a large score there is only the beginning; the rest is read while it is sent. */
export type StoredSession = SessionHead & { scoreBeginning: string | null; scoreBytes: number | null }

/** The text of a score: whole, or in pieces that are read as they are asked for. */
export type Score = string | AsyncIterable<string>

export type HistoryRow = SessionListItem & { position: Position }

type Page = { sub: string; after?: Position | undefined; limit?: number | undefined }

/** The owner's id inside the statement: one round trip, and the list's index serves the order. */
const owner = (sub: string) => Prisma.sql`(SELECT id FROM users WHERE auth0_id = ${sub})`

const instant = ({ micros }: Position) =>
  Prisma.sql`(timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond')`

/** The history, newest first. Exported for the test that looks at its plan. */
export const historyStatement = ({ sub, after, limit }: Page) => Prisma.sql`
  SELECT id, song_name, instrument, date, duration_seconds, audio_url, (extract(epoch FROM date) * 1000000)::bigint::text AS micros
  FROM sessions
  WHERE user_id = ${owner(sub)}
    ${after ? Prisma.sql`AND date <= ${instant(after)} AND (date < ${instant(after)} OR id > ${after.id}::uuid)` : Prisma.empty}
  ORDER BY date DESC, id
  ${limit ? Prisma.sql`LIMIT ${limit}` : Prisma.empty}`

/** One session of its owner. Exported for the test that looks at its plan. */
export const sessionStatement = (id: string, sub: string) => Prisma.sql`
  SELECT id, user_id AS "userId", date, song_name AS "songName", instrument, duration_seconds AS "durationSeconds",
    left(xml_content, ${SCORE_PIECE}) AS "scoreBeginning", octet_length(xml_content) AS "scoreBytes",
    analysis_summary AS "analysisSummary", analysis_feedback AS "analysisFeedback", score_accuracy AS "scoreAccuracy",
    audio_url AS "audioUrl", recording_sha256 AS "recordingSha256", recording_bytes AS "recordingBytes"
  FROM sessions WHERE id = ${id}::uuid AND user_id = ${owner(sub)}`

export const createSessionRepository = (queries: Queries) => ({
  async list(page: Page): Promise<HistoryRow[]> {
    const rows = await queries.$queryRaw<
      Array<Omit<SessionListItem, 'date'> & { date: Date; micros: string }>
    >(historyStatement(page))
    return rows.map(({ date, micros, ...row }) => ({
      ...row,
      date: date.toISOString(),
      position: { micros, id: row.id }
    }))
  },

  async findOwned(id: string, sub: string): Promise<StoredSession | null> {
    const [row] = await queries.$queryRaw<StoredSession[]>(sessionStatement(id, sub))
    return row ?? null
  },

  /** In pieces where it is large. Asking for one throws when the session is not there any more. */
  scoreOf(session: StoredSession): Score | null {
    const isWhole =
      session.scoreBeginning === null || Buffer.byteLength(session.scoreBeginning) === session.scoreBytes
    return isWhole ? session.scoreBeginning : readScore(queries, session)
  },

  /** Whoever owns it. */
  find: (id: string): Promise<SessionRow | null> => queries.session.findUnique({ where: { id } }),

  /** @returns false when the id is taken; nothing was written then */
  async insert(row: SessionRow): Promise<boolean> {
    const { count } = await queries.session.createMany({ data: [row], skipDuplicates: true })
    return count === 1
  },

  /** A recording of this size is about to be published: a sign that an object may be there. */
  async announceRecording(id: string, recordingBytes: bigint): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { recordingBytes, recordingSha256: null } })
  },

  /** @returns false when there is no such session */
  async attachRecording(id: string, audioUrl: string): Promise<boolean> {
    const { count } = await queries.session.updateMany({ where: { id }, data: { audioUrl } })
    return count === 1
  },

  /** The session has no recording, and no object is left. */
  async forgetRecording(id: string): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { recordingBytes: null, recordingSha256: null } })
  },

  /** From here on the session has no recording; its size stays, as a sign that the object may still be there. */
  async clearAudioUrl(id: string): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { audioUrl: null } })
  },

  /** @returns false when it was gone already */
  async delete(id: string, userId: string): Promise<boolean> {
    const { count } = await queries.session.deleteMany({ where: { id, userId } })
    return count === 1
  }
})

/**
 * PostgreSQL unpacks all of the score for each piece, but whoever takes them slowly holds neither a connection nor more
 * than the first and the last. The id may become somebody else's meanwhile.
 */
async function* readScore(
  queries: Queries,
  { id, userId, scoreBeginning, scoreBytes }: StoredSession
): AsyncGenerator<string> {
  let piece = scoreBeginning ?? ''
  yield piece
  for (
    let from = 1 + SCORE_PIECE, bytes = Buffer.byteLength(piece);
    bytes !== scoreBytes;
    from += SCORE_PIECE
  ) {
    const [row] = await queries.$queryRaw<Array<{ piece: string }>>`
      SELECT substr(xml_content, ${from}, ${SCORE_PIECE}) AS piece
      FROM sessions WHERE id = ${id}::uuid AND user_id = ${userId}::uuid AND octet_length(xml_content) = ${scoreBytes}`
    if (!row?.piece) throw new Error('The score changed, or went, while it was read')
    piece = row.piece
    yield piece
    bytes += Buffer.byteLength(piece)
  }
}

/** Whether an object may lie in the bucket for this session. */
export const mayHaveObject = ({ audioUrl, recordingBytes }: SessionHead) =>
  audioUrl !== null || recordingBytes !== null
