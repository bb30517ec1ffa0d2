import { systemClock, type Clock } from '../clock.ts'
import { StorageError, type IStorageService, type Refusal, type SessionData } from '../storage-service.ts'
import { localRecording } from './local-recording.ts'
import { patiently } from './patience.ts'
import { isRefusal, toRefusal } from './refusal.ts'
import { stableId } from './stable-id.ts'

/** Something that could not be taken, and why. */
export type ImportProblem = Pick<SessionData, 'id' | 'songName' | 'date'> & {
  /** `recording`: the session was taken without it, because it is lost for good. `session`: it was not taken. */
  what: 'session' | 'recording'
  reason: Refusal
}

/** How far an import is; `imported + alreadyThere + (problems with sessions)` grows up to `total`. */
export type ImportReport = {
  total: number
  imported: number
  /** Taken by an earlier import. */
  alreadyThere: number
  problems: ImportProblem[]
}

export type ImportOptions = {
  onProgress?: (report: ImportReport) => void
  signal?: AbortSignal
  clock?: Clock
  /** For recordings that the local history keeps elsewhere. */
  fetch?: typeof fetch
}

/**
 * Brings a local history into an account, oldest first, with recordings and dates.
 *
 * May be interrupted (by the signal, a closed tab, a dead network) and repeated at any time: what is there already is
 * left alone, and no session is ever taken twice. The local history stays as it is; removing it is for the person to
 * decide. A session that was deleted from the account since comes again.
 *
 * @returns what was taken, and what was not and why
 * @throws the signal's reason; or StorageError when it cannot go on: no network for minutes, or nobody signed in.
 *   What was taken until then is there.
 */
export async function importHistory(
  local: IStorageService,
  api: IStorageService,
  options: ImportOptions = {}
): Promise<ImportReport> {
  const { onProgress, signal, clock = systemClock } = options
  const history = (await local.getSessions()).reverse()
  const account = await patiently(() => api.getSessions(signal && { signal }), clock, signal)
  const there = new Map(account.map((session) => [session.id, session]))
  const report: ImportReport = { total: history.length, imported: 0, alreadyThere: 0, problems: [] }

  for (const listed of history) {
    signal?.throwIfAborted()
    const id = await stableId(listed)
    const known = there.get(id)
    // An import that was interrupted may have brought a session, and not its large recording yet.
    if (known && (hasRecording(known) || !hasRecording(listed))) report.alreadyThere++
    else await take(listed, id)
    onProgress?.({ ...report, problems: [...report.problems] })
  }
  return report

  async function take(listed: SessionData, id: string): Promise<void> {
    const problem = (what: ImportProblem['what'], reason: Refusal) =>
      report.problems.push({ id: listed.id, songName: listed.songName, date: listed.date, what, reason })
    try {
      const session = await local.getSessionById(listed.id)
      if (!session) {
        throw new StorageError(404, 'session_not_found', 'It was deleted while the import was running.')
      }
      const { audio, lost } = await localRecording(session, options.fetch ?? fetch)
      if (!audio && there.has(id)) {
        report.alreadyThere++
        return
      }
      const { audio: _, ...whole } = session
      await patiently(
        () => api.saveSession({ ...whole, id, ...(audio && { audio }) }, signal && { signal }),
        clock,
        signal
      )
      report.imported++
      if (lost) problem('recording', lost)
    } catch (error) {
      if (!isAboutOne(error)) throw error
      problem('session', toRefusal(error))
    }
  }
}

function hasRecording({ audio, audioUrl }: SessionData): boolean {
  return Boolean(audio || audioUrl)
}

/** Whether the error says something of this session only, so that the others can still be taken. */
function isAboutOne(error: unknown): error is StorageError {
  return (
    isRefusal(error) ||
    (error instanceof StorageError && ['recording_unreachable', 'session_not_found'].includes(error.code))
  )
}
