import type { ImportSummary } from '../../../contract/users.ts'
import type { Release } from '../../http/limits/fair-limiter.ts'
import { readNewSession } from '../../sessions/content.ts'
import type { SessionDependencies } from '../../sessions/dependencies.ts'
import { createSessionRepository } from '../../sessions/repository.ts'
import { saveSession } from '../../sessions/save-session.ts'
import { invalidArchive } from './errors.ts'
import { createIncomingSession, type IncomingSession } from './incoming-session.ts'
import { archiveLimits } from './limits.ts'
import type { ParseSession } from './parse-session.ts'
import { isManifest, parseSessionPath, type SessionPath } from './session-path.ts'
import { readArchive } from './read-archive.ts'
import { otherArchive, readManifest } from './read-manifest.ts'
import { createProgress, withProgress, type Progress } from './summary.ts'

type Options = {
  dependencies: SessionDependencies
  sub: string
  /** Aborts with the error to answer with. */
  deadline: AbortSignal
  parseSession: ParseSession
}

type Work = Options & { progress: Progress }

/**
 * Imports the sessions of an archive from `exportAccount` as it arrives: each is saved, all or nothing, when its
 * folder has been read. At any time there is one recording and one text, in memory or in a nameless file. Sessions keep
 * their ids, so an import can be repeated: one that the user has is left as it is.
 *
 * A session that cannot be saved is refused, and the import goes on. Any other failure ends it; what was imported
 * stays.
 * @param body the bytes of the archive
 * @throws {ApiError} invalid_archive; user_not_synced; server_busy; storage_unavailable; database_unavailable; the
 * errors of `body`; the reason of `deadline`
 */
export async function importAccount(options: Options, body: AsyncIterable<Buffer>): Promise<ImportSummary> {
  const progress = createProgress(options.dependencies.quotas.sessions)
  const work: Work = { ...options, progress }
  try {
    const manifest = await importFolders(work, body)
    if (!manifest) throw otherArchive()
    if (progress.sessions < manifest.sessionCount) {
      throw sessionsMissing(progress.sessions, manifest.sessionCount)
    }
    return progress.summary
  } catch (error) {
    throw withProgress(error, progress.summary)
  }
}

/** @returns what the manifest tells, if there is one */
async function importFolders(work: Work, body: AsyncIterable<Buffer>) {
  let manifest: { sessionCount: number } | undefined
  let current: IncomingSession | KnownSession | undefined
  try {
    for await (const { path, content } of readArchive(body, archiveLimits(work.dependencies.quotas))) {
      work.deadline.throwIfAborted()
      const sessionPath = parseSessionPath(path)
      if (sessionPath && sessionPath.folder !== current?.folder) {
        await finish(work, current)
        current = await begin(work, sessionPath)
      }
      if (sessionPath && current) await add(current, sessionPath.name, content)
      else if (isManifest(path)) manifest = await readManifest(content)
    }
    await finish(work, current)
    return manifest
  } finally {
    if (current && !isKnown(current)) await current.close()
  }
}

/** A session that the user has already. Its files are skipped. */
type KnownSession = { folder: string; id: string; isKnown: true }

const isKnown = (session: IncomingSession | KnownSession): session is KnownSession => 'isKnown' in session

async function begin(
  { dependencies, sub }: Work,
  sessionPath: SessionPath
): Promise<IncomingSession | KnownSession> {
  const stored = await createSessionRepository(dependencies.database.queries).findOwned(sessionPath.id, sub)
  if (stored) return { folder: sessionPath.folder, id: sessionPath.id, isKnown: true }
  return createIncomingSession(sessionPath, dependencies.maxRecordingBytes)
}

async function add(
  session: IncomingSession | KnownSession,
  name: string,
  content: AsyncIterable<Buffer>
): Promise<void> {
  if (!isKnown(session)) await session.add(name, content)
}

async function finish(work: Work, session: IncomingSession | KnownSession | undefined): Promise<void> {
  if (!session) return
  if (isKnown(session)) return work.progress.addKnown(session.id)
  const releases: Release[] = []
  try {
    await save(work, session, releases)
  } catch (error) {
    work.progress.addRefused(session.id, error)
  } finally {
    await session.close()
    for (const release of releases) release()
  }
}

async function save(work: Work, incoming: IncomingSession, releases: Release[]): Promise<void> {
  const { dependencies, sub, deadline, progress, parseSession } = work
  const { described, recording } = await incoming.read((text) => parseSession(text, releases))
  const { id, session, audioUrl } = described
  if (id.toLowerCase() !== incoming.id) {
    throw invalidArchive(
      `session.json in the folder ${incoming.folder} has another id than the name of the folder.`
    )
  }
  const content = await readNewSession({ ...session, audioBase64: '' }, async () => recording)
  const { created } = await saveSession(dependencies, { sub, deadline: () => deadline }, content)
  if (created) progress.addImported(incoming.id, { recordingIsMissing: Boolean(audioUrl && !recording) })
  else progress.addKnown(incoming.id)
}

const sessionsMissing = (seen: number, count: number) =>
  invalidArchive(
    `The archive has ${seen} of the ${count} sessions that its manifest counts. Export it again.`
  )
