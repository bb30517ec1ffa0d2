import { useEffect, useRef, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { importHistory, type ImportReport } from '@harmony-helper/client/offline'
import { countSessions, dayName } from '../shared/format.ts'
import { messageFor } from '../shared/error-messages.ts'
import { useJournal, useOnline } from '../services/journal.ts'
import { localHistory, storageService } from '../services/storageFactory.ts'

/** Imports the history that this browser stored before the user had an account. */
export function HistoryImport() {
  const { store } = useJournal()
  const [local, setLocal] = useState<SessionData[]>([])
  const [report, setReport] = useState<ImportReport>()
  const [state, setState] = useState<'offered' | 'running' | 'done'>('offered')
  const [problem, setProblem] = useState('')
  const online = useOnline()
  const stop = useRef<AbortController>()

  useEffect(() => {
    localHistory.getSessions().then(setLocal, (error) => setProblem(error.message))
    return () => stop.current?.abort()
  }, [])

  async function run() {
    stop.current = new AbortController()
    setState('running')
    setProblem('')
    try {
      setReport(
        await importHistory(localHistory, storageService, {
          onProgress: setReport,
          signal: stop.current.signal
        })
      )
      setState('done')
    } catch (error) {
      setState('offered')
      if (!stop.current.signal.aborted) {
        setProblem(`${(error as Error).message} Sessions imported so far are in your journal.`)
      }
    }
    await store.getState().load()
  }

  /** Removes only sessions that were imported completely. */
  async function removeLocal() {
    const kept = new Set(report!.problems.map(({ id }) => id))
    try {
      for (const { id } of local) if (!kept.has(id)) await localHistory.deleteSession(id)
      setLocal(await localHistory.getSessions())
      setReport(undefined)
      setState('offered')
    } catch (error) {
      setProblem((error as Error).message)
    }
  }

  if (local.length === 0 && !problem) return null
  const done =
    report &&
    report.imported + report.alreadyThere + report.problems.filter(({ what }) => what === 'session').length
  return (
    <section className="card" aria-labelledby="import-title">
      <h2 id="import-title">From this browser</h2>
      {state !== 'done' && (
        <p>
          This browser has {countSessions(local.length)} from before you had an account. Import{' '}
          {local.length === 1 ? 'it' : 'them'} into your journal, with dates and recordings.
        </p>
      )}
      {state === 'running' && <progress aria-label="Import" max={report?.total ?? 1} value={done ?? 0} />}
      <p className={state === 'done' ? undefined : 'hint'} role="status">
        {state === 'running' &&
          `${done ?? 0} of ${report?.total ?? local.length}${online ? '' : ', waiting for the network'}`}
        {state === 'offered' && report && `Stopped after ${done} of ${report.total}.`}
        {state === 'done' && report && summary(report)}
      </p>
      {state === 'running' && (
        <button type="button" onClick={() => stop.current?.abort()}>
          Stop
        </button>
      )}
      {state === 'offered' && (
        <button type="button" className="primary" onClick={run}>
          {report ? 'Continue import' : `Import ${countSessions(local.length)}`}
        </button>
      )}
      {state === 'done' && report && (
        <>
          {report.problems.length > 0 && (
            <ul className="plain">
              {report.problems.map(({ id, songName, date, what, reason }) => (
                <li key={`${id} ${what}`}>
                  <strong>{songName || 'Untitled'}</strong> <span className="hint">{dayName(date)}</span>
                  <p className="problem">
                    {
                      {
                        recording: 'Imported without its recording. ',
                        session: 'Not imported. ',
                        content: ''
                      }[what]
                    }
                    {messageFor(reason)}
                  </p>
                </li>
              ))}
            </ul>
          )}
          <p className="hint">The sessions are also still in this browser.</p>
          <button type="button" onClick={removeLocal}>
            Remove imported sessions from this browser
          </button>
        </>
      )}
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
    </section>
  )
}

function summary({ imported, alreadyThere }: ImportReport): string {
  const parts = [
    `${countSessions(imported)} imported`,
    alreadyThere && `${alreadyThere} ${alreadyThere === 1 ? 'was' : 'were'} already in your journal`
  ]
  return `${parts.filter(Boolean).join(', ')}.`
}
