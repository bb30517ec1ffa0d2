import { retryFor } from '../../contract/retry.ts'
import { systemClock, type Clock } from '../clock.ts'
import { isTransient, retryAfterMs } from '../request-retry.ts'
import { StorageError, type IStorageService, type Refusal, type SessionData } from '../storage-service.ts'
import { loadRecording } from './load-recording.ts'
import { repair } from './import-repair.ts'
import { isRefusal, toRefusal } from './refusal.ts'
import { stableId } from './stable-id.ts'

/** A session or recording that could not be imported, and the reason. */
export type ImportProblem = Pick<SessionData, 'id' | 'songName' | 'date'> & {
  /**
   * `recording`: the session was imported without its recording, which is lost. `content`: it was imported
   * with another name, instrument, length or notes, because its own cannot be stored. `session`: it was not
   * imported.
   */
  what: 'session' | 'recording' | 'content'
  reason: Refusal
}

/**
 * Progress and result of an import: `imported + alreadyThere + (problems of sessions)` grows up to `total`.
 */
export type ImportReport = {
  total: number
  imported: number
  /** Imported earlier. */
  alreadyThere: number
  problems: ImportProblem[]
}

export type ImportOptions = {
  onProgress?: (report: ImportReport) => void
  signal?: AbortSignal
  clock?: Clock
  /** Downloads recordings that the local history refers to by URL. */
  fetch?: typeof fetch
}

/**
 * Imports a local history into an account, oldest session first, with recordings and dates.
 *
 * Can be interrupted (by the signal, a closed tab, a lost network) and repeated at any time: sessions that
 * exist in the account are skipped, and none is created twice. The local history is not changed. A session
 * that was deleted from the account is imported again.
 *
 * @returns the number of imported sessions, and what could not be imported
 * @throws the signal's reason, or a StorageError that affects all sessions: no network for two minutes, or
 *   signed out. Sessions imported until then remain in the account.
 */
export async function importHistory(
  local: IStorageService,
  api: IStorageService,
  options: ImportOptions = {}
): Promise<ImportReport> {
  const { onProgress, signal, clock = systemClock } = options
  const history = (await local.getSessions()).reverse()
  const account = await withRetry(() => api.getSessions(signal && { signal }))
  const inAccount = new Map(account.map((session) => [session.id, session]))
  const report: ImportReport = { total: history.length, imported: 0, alreadyThere: 0, problems: [] }

  for (const listed of history) {
    signal?.throwIfAborted()
    const id = stableId(listed)
    const known = inAccount.get(id)
    // An interrupted import may have saved a session without its large recording.
    if (known && (hasRecording(known) || !hasRecording(listed))) report.alreadyThere++
    else await importSession(listed, id)
    onProgress?.({ ...report, problems: [...report.problems] })
  }
  return report

  async function importSession(listed: SessionData, id: string): Promise<void> {
    const problem = (what: ImportProblem['what'], reason: Refusal) =>
      report.problems.push({ id: listed.id, songName: listed.songName, date: listed.date, what, reason })
    try {
      const session = await local.getSessionById(listed.id)
      if (!session) {
        throw new StorageError(404, 'session_not_found', 'It was deleted during the import.')
      }
      const { audio, lost } = await loadRecording(session, options.fetch ?? fetch)
      if (!audio && inAccount.has(id)) {
        report.alreadyThere++
        return
      }
      const { session: repaired, changed } = repair({ ...session, id })
      const { audio: _, ...whole } = repaired
      const refused = audio ? await save({ ...whole, audio }).then(() => undefined, lostRecording) : undefined
      if (!audio || refused) await save(whole)
      if (refused && inAccount.has(id)) report.alreadyThere++
      else report.imported++
      const reason = lost ?? refused
      if (reason) problem('recording', reason)
      if (changed) problem('content', changed)
    } catch (error) {
      if (!isAboutOneSession(error)) throw error
      problem('session', toRefusal(error))
    }
  }

  function save(session: SessionData): Promise<void> {
    return withRetry(() => api.saveSession(session, signal && { signal }))
  }

  /**
   * Retries for two minutes, in addition to the service's own attempts: an import continues after a restart
   * of the server.
   */
  function withRetry<T>(work: () => Promise<T>): Promise<T> {
    return retryFor(work, {
      firstPauseMs: 1_000,
      maxPauseMs: 10_000,
      limitMs: 120_000,
      shouldRetry: isTransient,
      retryAfterMs,
      signal,
      sleep: clock.sleep
    })
  }
}

// Why the account takes the session only without its recording.
const RECORDING_FAULTS = ['recording_unreadable', 'unsupported_recording', 'recording_too_large']

/** The reason, when the recording alone was refused. */
function lostRecording(error: unknown): Refusal {
  if (!(error instanceof StorageError && RECORDING_FAULTS.includes(error.code))) throw error
  return toRefusal(error)
}

function hasRecording({ audio, audioUrl }: SessionData): boolean {
  return Boolean(audio || audioUrl)
}

/** Whether the error concerns only this session, so that the import can continue. */
function isAboutOneSession(error: unknown): error is StorageError {
  return (
    isRefusal(error) ||
    (error instanceof StorageError && ['recording_unreachable', 'session_not_found'].includes(error.code))
  )
}
