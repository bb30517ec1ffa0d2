import { Prisma } from '../generated/prisma/client.ts'
import type { Queries } from '../database/client.ts'

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
  /** Increases with every change of the row. */
  revision: number
}

/** A session with its score, as it is written and compared. */
export type SessionRow = SessionHead & { xmlContent: string | null }

/** Characters of a score that are read at once: at most four megabytes of UTF-8. */
const SCORE_PIECE = 1024 * 1024

/**
 * A session as it is read. `scoreBeginning` holds a small score, and the beginning of a large one; the rest
 * of that is read while it is sent. `scoreBytes` is the length of the whole score in UTF-8.
 */
export type StoredSession = SessionHead & { scoreBeginning: string | null; scoreBytes: number | null }

/** The text of a score, as one string or in pieces that are read on demand. */
export type Score = string | AsyncIterable<string>

/** Looks up the owner's id within the statement: one round trip, and the index of the list gives the order. */
const owner = (sub: string) => Prisma.sql`(SELECT id FROM users WHERE auth0_id = ${sub})`

/** One session of its owner. Exported for a test of its query plan. */
export const sessionStatement = (id: string, sub: string) => Prisma.sql`
  SELECT id, user_id AS "userId", date, song_name AS "songName", instrument,
    duration_seconds AS "durationSeconds",
    left(xml_content, ${SCORE_PIECE}) AS "scoreBeginning", octet_length(xml_content) AS "scoreBytes",
    analysis_summary AS "analysisSummary", analysis_feedback AS "analysisFeedback",
    score_accuracy AS "scoreAccuracy", audio_url AS "audioUrl",
    recording_sha256 AS "recordingSha256", recording_bytes AS "recordingBytes", revision
  FROM sessions WHERE id = ${id}::uuid AND user_id = ${owner(sub)}`

export const createSessionRepository = (queries: Queries) => ({
  async findOwned(id: string, sub: string): Promise<StoredSession | null> {
    const [row] = await queries.$queryRaw<StoredSession[]>(sessionStatement(id, sub))
    return row ?? null
  },

  /**
   * The score; a large one in pieces. Reading a piece rejects when the session was changed or deleted
   * meanwhile.
   */
  scoreOf(session: StoredSession): Score | null {
    const isWhole =
      session.scoreBeginning === null || Buffer.byteLength(session.scoreBeginning) === session.scoreBytes
    return isWhole ? session.scoreBeginning : readScore(queries, session)
  },

  /** Finds a session of any user, with the owner's `sub`. */
  async find(id: string): Promise<(SessionRow & { sub: string }) | null> {
    const found = await queries.session.findUnique({
      where: { id },
      include: { user: { select: { auth0Id: true } } }
    })
    if (!found) return null
    const { user, ...row } = found
    return { ...row, sub: user.auth0Id }
  },

  /** Stores the size of a recording before it is published: the mark that an object may exist. */
  async announceRecording(id: string, recordingBytes: bigint): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { recordingBytes, recordingSha256: null } })
  },

  /** @returns the new revision; null when the session does not exist */
  async attachRecording(id: string, audioUrl: string): Promise<number | null> {
    const [attached] = await queries.$queryRaw<Array<{ revision: number }>>`
      UPDATE sessions SET audio_url = ${audioUrl} WHERE id = ${id}::uuid RETURNING revision`
    return attached?.revision ?? null
  },

  /** Clears all marks of a recording whose object is removed. */
  async forgetRecording(id: string): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { recordingBytes: null, recordingSha256: null } })
  },

  /** Detaches the recording. Its size stays: the mark that the object may still exist. */
  async clearAudioUrl(id: string): Promise<void> {
    await queries.session.updateMany({ where: { id }, data: { audioUrl: null } })
  },

  /** @returns the date of the session, as PostgreSQL writes it; null when the session does not exist */
  async delete(id: string, userId: string): Promise<string | null> {
    const [deleted] = await queries.$queryRaw<Array<{ date: string }>>`
      DELETE FROM sessions WHERE id = ${id}::uuid AND user_id = ${userId}::uuid RETURNING date::text`
    return deleted?.date ?? null
  }
})

/**
 * Reads the rest of a score piece by piece. A slow reader holds no database connection and at most two
 * pieces, though PostgreSQL decompresses the whole score for each. The query names the owner, because the id
 * may be deleted and taken by another user meanwhile.
 */
async function* readScore(
  queries: Queries,
  { id, userId, scoreBeginning, scoreBytes }: StoredSession
): AsyncGenerator<string> {
  let piece = scoreBeginning ?? ''
  yield piece
  let bytes = Buffer.byteLength(piece)
  for (let from = 1 + SCORE_PIECE; bytes !== scoreBytes; from += SCORE_PIECE) {
    const [row] = await queries.$queryRaw<Array<{ piece: string }>>`
      SELECT substr(xml_content, ${from}, ${SCORE_PIECE}) AS piece FROM sessions
      WHERE id = ${id}::uuid AND user_id = ${userId}::uuid AND octet_length(xml_content) = ${scoreBytes}`
    if (!row?.piece) throw new Error('The score was changed or deleted while it was read')
    piece = row.piece
    yield piece
    bytes += Buffer.byteLength(piece)
  }
}

/** Whether the bucket may contain an object of this session. */
export const mayHaveObject = ({ audioUrl, recordingBytes }: SessionHead) =>
  audioUrl !== null || recordingBytes !== null
