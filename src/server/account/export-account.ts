import { posix } from 'node:path'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { isTimeZone } from '../../contract/local-day.ts'
import { retryFor } from '../../contract/retry.ts'
import type { Account } from '../../contract/users.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { describeSession } from '../sessions/presenter.ts'
import type { StoredSession } from '../sessions/repository.ts'
import type { Score } from '../sessions/score-repository.ts'
import { toSessionJson } from '../sessions/send-session.ts'
import { keyOf } from '../storage/recording-keys.ts'
import { createArchive, type Archive, type ArchivedFile } from './archive.ts'
import { findSessions } from './export-repository.ts'
import { FORMAT, pathsOf, VERSION } from './exported-files.ts'
import { exportPage } from './export-page.ts'
import { readWholeSession, type WholeSession } from './whole-session.ts'

/** Bytes of a recording that are read at once. */
const PIECE_BYTES = 1024 * 1024

/** When to read again: a session that was changed while it was read, or a part of a recording. */
const RETRIES = { firstPauseMs: 100, maxPauseMs: 1000, limitMs: 3000 }

/** A recording that a session refers to and that is missing in the storage. */
type Missing = { session_id: string; path: string }

type Export = {
  dependencies: SessionDependencies
  account: Account
  archive: Archive
  missing: Missing[]
  sessionCount: number
  /** Aborts when the archive is closed. */
  signal: AbortSignal
}

/**
 * Writes all data of a user into a ZIP archive, as fast as it is read:
 * - `account.json`;
 * - a folder for each session: its scores, its recording and `session.json` (`SessionData`, and the digests of these
 *   files);
 * - `index.html`;
 * - `manifest.json`, which is the last file and has the digests of all others.
 *
 * A slow reader holds no database connection. The export takes about two megabytes, 200 bytes for each file, and
 * temporary space for the scores of one session.
 *
 * The sessions are those that exist at the start. One with a recording or a large score is read just before its folder
 * is written, others up to twenty at once; the files of a folder are of one revision. A session that is deleted before
 * it is read is left out. The page is written last, and shows the sessions as they are then.
 *
 * A failure destroys the stream: the part already sent has no central directory, so no program opens it as a
 * complete archive. That also happens when a recording is removed while it is sent, and when each of several readings
 * of a session with large scores meets another edit.
 */
export function exportAccount(dependencies: SessionDependencies, account: Account): Readable {
  const closed = new AbortController()
  const work = {
    dependencies,
    account,
    archive: createArchive(),
    missing: [],
    sessionCount: 0,
    signal: closed.signal
  }
  const sent = pipeline(writeFiles(work), new PassThrough(), () => {})
  return sent.once('close', () => closed.abort())
}

async function* writeFiles(work: Export): AsyncGenerator<Buffer> {
  const { dependencies, account, archive, missing } = work
  const date = dependencies.now()
  yield* archive.add({ path: 'account.json', date }, toPieces(JSON.stringify(account, null, 2)))
  const sessions = await findSessions(dependencies.database, account.id)
  for await (const session of sessions()) yield* exportSession(work, session)
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

/** Writes the folder of a session, if it still exists. Nothing is sent before its scores have been read. */
async function* exportSession(work: Export, listed: StoredSession): AsyncGenerator<Buffer> {
  const { dependencies, account, signal } = work
  const read = () => readWholeSession(dependencies, account.auth0_id, listed)
  const whole = await retryFor(read, { ...RETRIES, signal })
  if (!whole) return
  try {
    yield* writeSession(work, whole)
  } finally {
    await whole.close()
  }
}

/** The folder of a session. `session.json` is its last file, because it has the digests of the others. */
async function* writeSession(work: Export, { session, scores }: WholeSession): AsyncGenerator<Buffer> {
  const { archive } = work
  const { date } = session
  const paths = pathsOf(session)
  const files: ArchivedFile[] = []
  for (const [path, text] of [
    [paths.score, scores.xmlContent],
    [paths.markedScore, scores.markedXml]
  ] as const) {
    if (path !== null && text !== null) files.push(yield* archive.add({ path, date }, toPieces(text)))
  }
  const recording = yield* writeRecording(work, session)
  if (recording) files.push(recording)
  const described = {
    ...describeSession(session, session.audioUrl, scores),
    files: files.map(({ path, ...sums }) => ({ path: posix.basename(path), ...sums }))
  }
  yield* archive.add({ path: paths.session, date }, toSessionJson(described))
  work.sessionCount++
}

/** @returns null for a session without a recording, and for a recording that the storage has lost */
async function* writeRecording(
  work: Export,
  session: StoredSession
): AsyncGenerator<Buffer, ArchivedFile | null> {
  const { dependencies, archive, missing } = work
  const { recording: path } = pathsOf(session)
  if (path === null || session.audioUrl === null) return null
  const key = keyOf(session.audioUrl)
  const bytes = await dependencies.storage.sizeOf(key)
  if (bytes === null) {
    missing.push({ session_id: session.id, path })
    return null
  }
  const file = { path, date: session.date, isCompressible: false }
  return yield* archive.add(file, recordingPieces(work, key, bytes))
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
    const piece = await retryFor(read, { ...RETRIES, signal })
    if (piece.length !== end - start) throw new Error('The recording was changed while it was read')
    yield piece
  }
}

/** An import reads the first line alone: the list of files may be large. */
async function* manifest({ archive, missing, sessionCount }: Export, date: Date): AsyncGenerator<string> {
  const head = {
    format: FORMAT,
    version: VERSION,
    exported_at: date.toISOString(),
    session_count: sessionCount
  }
  yield `${JSON.stringify(head).slice(0, -1)},\n`
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
