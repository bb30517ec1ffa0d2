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
   * with other members, because its own cannot be stored; the reason names them. A text was shortened or lost
   * single characters, a length or an accuracy is the nearest one, a date is that of the import, and a score that
   * is too large was left out. `session`: it was not imported.
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

/** What became of one session: how it counts, and what could not be imported. */
type Outcome = {
  count?: 'imported' | 'alreadyThere'
  problems?: Partial<Record<ImportProblem['what'], Refusal | undefined>>
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
    const isComplete = known && (hasRecording(known) || !hasRecording(listed))
    addToReport(listed, isComplete ? { count: 'alreadyThere' } : await importSession(listed, id))
    onProgress?.({ ...report, problems: [...report.problems] })
  }
  return report

  function addToReport({ id, songName, date }: SessionData, { count, problems = {} }: Outcome): void {
    if (count) report[count]++
    for (const what of ['session', 'recording', 'content'] as const) {
      const reason = problems[what]
      if (reason) report.problems.push({ id, songName, date, what, reason })
    }
  }

  async function importSession(listed: SessionData, id: string): Promise<Outcome> {
    const isKnown = inAccount.has(id)
    try {
      const { session, lost, changed } = await prepare(listed, id)
      if (isKnown && !session.audio) return { count: 'alreadyThere' }
      const refused = await saveWithFallback(session)
      return {
        count: isKnown && refused ? 'alreadyThere' : 'imported',
        problems: { recording: lost ?? refused, content: changed }
      }
    } catch (error) {
      if (!isAboutOneSession(error)) throw error
      return { problems: { session: toRefusal(error) } }
    }
  }

  /** The session as the account can take it, why its recording is lost, and what had to be changed. */
  async function prepare(listed: SessionData, id: string) {
    const stored = await local.getSessionById(listed.id)
    if (!stored) throw new StorageError(404, 'session_not_found', 'It was deleted during the import.')
    const { audio, lost } = await loadRecording(stored, options.fetch ?? fetch)
    const time = { now: clock.now(), dateInAccount: inAccount.get(id)?.date }
    const { session, changed } = repair({ ...stored, id }, time)
    return { session: { ...withoutRecording(session), ...(audio && { audio }) }, lost, changed }
  }

  /** Saves the session, without its recording if that alone was refused. Returns the reason then. */
  async function saveWithFallback(session: SessionData): Promise<Refusal | undefined> {
    try {
      await save(session)
      return undefined
    } catch (error) {
      if (!session.audio || !isAboutRecording(error)) throw error
      await save(withoutRecording(session))
      return toRefusal(error)
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

function isAboutRecording(error: unknown): error is StorageError {
  return error instanceof StorageError && RECORDING_FAULTS.includes(error.code)
}

function withoutRecording({ audio, ...session }: SessionData): SessionData {
  return session
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
