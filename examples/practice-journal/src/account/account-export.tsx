import { useEffect, useRef, useState } from 'react'
import { StorageError } from '@harmony-helper/client'
import { messageFor } from '../shared/error-messages.ts'
import { countSessions, formatBytes } from '../shared/format.ts'
import { saveExport } from '../services/save-export.ts'

/** Saves all data of the account as a file. `unsent`: how many sessions have something that waits in this browser. */
export function AccountExport({ unsent }: { unsent: number }) {
  const [state, setState] = useState<'idle' | 'running' | 'done'>('idle')
  const [received, setReceived] = useState('')
  const [problem, setProblem] = useState('')
  const stop = useRef<AbortController>()
  useEffect(() => () => stop.current?.abort(), [])

  async function run() {
    stop.current = new AbortController()
    const { signal } = stop.current
    setState('running')
    setReceived('')
    setProblem('')
    try {
      await saveExport({ signal, onProgress: (bytes) => setReceived(formatBytes(bytes)) })
      setState('done')
    } catch (error) {
      setState('idle')
      if ((error as Error).name !== 'AbortError') setProblem(describe(error))
    }
  }

  return (
    <section aria-labelledby="export-title">
      <h3 id="export-title">Export</h3>
      <p>
        One ZIP file with all your sessions, scores and recordings. You can import the file into an account on
        another server, or into this one again. Its page index.html plays the recordings without a network.
      </p>
      {unsent > 0 && (
        <p className="problem">
          {countSessions(unsent)} {unsent === 1 ? 'is' : 'are'} not sent yet. The export and the figures above
          leave out what is not sent.
        </p>
      )}
      {state === 'running' && <progress aria-label="Export" />}
      <p role="status" className="hint">
        {state === 'running' && (received ? `${received} so far. Its size is not known yet.` : 'Preparing…')}
        {state === 'done' && `Exported, ${received}.`}
      </p>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {state === 'running' ? (
        <button type="button" onClick={() => stop.current?.abort()}>
          Stop the export
        </button>
      ) : (
        <button type="button" onClick={run}>
          Export my data
        </button>
      )}
    </section>
  )
}

function describe(error: unknown): string {
  if (error instanceof StorageError) return messageFor(error)
  return 'The export broke off before its end. Try again.'
}
