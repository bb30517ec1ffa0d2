import { PassThrough, pipeline, type Readable } from 'node:stream'
import { isTimeZone } from '../../contract/practice-days.ts'
import { retryFor } from '../../contract/retry.ts'
import type { Account } from '../../contract/users.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { describeSession } from '../sessions/presenter.ts'
import type { StoredSession } from '../sessions/repository.ts'
import { scoresOf, type Score } from '../sessions/score-repository.ts'
import { toSessionJson } from '../sessions/send-session.ts'
import { keyOf } from '../storage/recording-keys.ts'
import { createArchive, type Archive } from './archive.ts'
import { allSessions } from './export-repository.ts'
import { pathsOf } from './exported-files.ts'
import { exportPage } from './export-page.ts'

/** Bytes of a recording that are read at once. */
const PIECE_BYTES = 1024 * 1024

/** A recording that a session refers to and that is missing in the storage. */
type Missing = { session_id: string; path: string }

type Export = {
  dependencies: SessionDependencies
  account: Account
  archive: Archive
  missing: Missing[]
  /** Aborts when the archive is closed. */
  signal: AbortSignal
}

/**
 * Writes all data of a user into a ZIP archive, as fast as it is read: `account.json`, `sessions.json` (an array of
 * `SessionData`), the scores, the recordings, `index.html`, and `manifest.json`, which is the last file and has the
 * digests of the others. A slow reader holds no database connection, but about two megabytes, and 200 bytes for
 * each file.
 *
 * A failure destroys the stream: the part already sent has no central directory, so no program opens it as a
 * complete archive. Sessions that change meanwhile may differ between the files.
 */
export function exportAccount(dependencies: SessionDependencies, account: Account): Readable {
  const closed = new AbortController()
  const work = { dependencies, account, archive: createArchive(), missing: [], signal: closed.signal }
  const sent = pipeline(writeFiles(work), new PassThrough(), () => {})
  return sent.once('close', () => closed.abort())
}

async function* writeFiles(work: Export): AsyncGenerator<Buffer> {
  const { dependencies, account, archive, missing } = work
  const date = dependencies.now()
  const sessions = () => allSessions(dependencies.database.queries, account.id)
  yield* archive.add({ path: 'account.json', date }, toPieces(JSON.stringify(account, null, 2)))
  yield* archive.add({ path: 'sessions.json', date }, sessionsJson(dependencies, sessions()))
  for await (const session of sessions()) yield* writeSession(work, session)
  const timeZone = [account.time_zone, dependencies.defaultTimeZone].find((zone) => zone && isTimeZone(zone))
  const lost = new Set(missing.map(({ session_id: id }) => id))
  const page = exportPage(sessions(), {
    account,
    timeZone: timeZone ?? 'UTC',
    hasRecording: (id) => !lost.has(id)
  })
  yield* archive.add({ path: 'index.html', date }, page)
  yield* archive.add({ path: 'manifest.json', date }, manifest(work, date))
  yield* archive.end()
}

async function* sessionsJson(
  { database }: SessionDependencies,
  sessions: AsyncIterable<StoredSession>
): AsyncGenerator<string> {
  let separator = '['
  for await (const session of sessions) {
    yield separator
    yield* toSessionJson(describeSession(session, session.audioUrl, scoresOf(database.queries, session)))
    separator = ',\n'
  }
  yield separator === '[' ? '[]\n' : ']\n'
}

async function* writeSession(work: Export, session: StoredSession): AsyncGenerator<Buffer> {
  const { dependencies, archive } = work
  const { date } = session
  const { score, markedScore } = pathsOf(session)
  const { xmlContent, markedXml } = scoresOf(dependencies.database.queries, session)
  if (score && xmlContent) yield* archive.add({ path: score, date }, toPieces(xmlContent))
  if (markedScore && markedXml) yield* archive.add({ path: markedScore, date }, toPieces(markedXml))
  yield* writeRecording(work, session)
}

async function* writeRecording(work: Export, session: StoredSession): AsyncGenerator<Buffer> {
  const { dependencies, archive, missing } = work
  const { recording: path } = pathsOf(session)
  if (path === null || session.audioUrl === null) return
  const key = keyOf(session.audioUrl)
  const bytes = await dependencies.storage.sizeOf(key)
  if (bytes === null) missing.push({ session_id: session.id, path })
  else {
    yield* archive.add({ path, date: session.date, isCompressible: false }, recordingPieces(work, key, bytes))
  }
}

/** Reads a recording part by part: each is a request of its own, so a slow reader holds none. */
async function* recordingPieces(
  { dependencies: { storage }, signal }: Export,
  key: string,
  bytes: number
): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, bytes)
    const read = () => storage.readRange({ key, start, end, signal })
    const piece = await retryFor(read, { firstPauseMs: 100, maxPauseMs: 1000, limitMs: 3000, signal })
    if (piece.length !== end - start) throw new Error('The recording was changed while it was read')
    yield piece
  }
}

async function* manifest({ archive, missing }: Export, date: Date): AsyncGenerator<string> {
  yield `{"format":"harmony-helper-export","version":1,"exported_at":"${date.toISOString()}",\n`
  yield `"missing":${JSON.stringify(missing)},\n"files":[\n`
  let separator = ''
  for (const file of archive.files()) {
    yield `${separator}${JSON.stringify(file)}`
    separator = ',\n'
  }
  yield '\n]}\n'
}

async function* toPieces(text: Score): AsyncGenerator<string> {
  if (typeof text === 'string') yield text
  else yield* text
}
