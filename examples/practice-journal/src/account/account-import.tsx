import { useEffect, useRef, useState } from 'react'
import type { Progress, StorageError } from '@harmony-helper/client'
import type { ImportSummary } from '@harmony-helper/client/account'
import { messageFor } from '../shared/error-messages.ts'
import { FileButton } from '../shared/fields.tsx'
import { countSessions, formatBytes } from '../shared/format.ts'
import { useJournal } from '../services/journal.ts'
import { accountService } from '../services/storageFactory.ts'

/** Imports the file of an export. */
export function AccountImport({ onImported }: { onImported: () => void }) {
  const { store } = useJournal()
  const [progress, setProgress] = useState<Progress>()
  const [summary, setSummary] = useState<ImportSummary>()
  const [problem, setProblem] = useState('')
  const stop = useRef<AbortController>()
  useEffect(() => () => stop.current?.abort(), [])

  async function run([archive]: File[]) {
    stop.current = new AbortController()
    const { signal } = stop.current
    setProgress({ loaded: 0, total: archive!.size })
    setSummary(undefined)
    setProblem('')
    try {
      setSummary(await accountService.importArchive(archive!, { onProgress: setProgress, signal }))
    } catch (error) {
      setProblem(
        signal.aborted
          ? 'Stopped. What was imported until then is in your journal. To import the rest, choose the file again: sessions that are already there are skipped.'
          : messageFor(error as StorageError)
      )
    }
    setProgress(undefined)
    onImported()
    await store.getState().load()
  }

  return (
    <section aria-labelledby="account-import-title">
      <h3 id="account-import-title">Import</h3>
      <p id="account-import-hint">
        Import the ZIP file of an export, from this server or another one. Sessions that are already in your
        journal are not changed.
      </p>
      {progress && (
        <progress
          aria-label="Import"
          max={progress.total}
          value={Math.min(progress.loaded, progress.total * 0.99)}
        />
      )}
      <p role="status" className="hint">
        {progress && `${formatBytes(progress.loaded)} of ${formatBytes(progress.total)} sent.`}
        {summary && describe(summary)}
      </p>
      {summary && summary.problems.length > 0 && (
        <ul className="plain">
          {summary.problems.map(({ session_id: id, ...reason }) => (
            <li key={id}>
              <span className="hint">{id}</span>
              <p className="problem">{messageFor(reason)}</p>
            </li>
          ))}
        </ul>
      )}
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {progress ? (
        <button type="button" onClick={() => stop.current?.abort()}>
          Stop the import
        </button>
      ) : (
        <FileButton
          label="Import a file"
          accept=".zip,application/zip"
          describedBy="account-import-hint"
          onPick={run}
        />
      )}
    </section>
  )
}

function describe({
  imported,
  already_there: known,
  refused,
  recordings_missing: silent
}: ImportSummary): string {
  const parts = [
    `${countSessions(imported)} imported.`,
    known > 0 && `${countSessions(known)} ${known === 1 ? 'was' : 'were'} already in your journal.`,
    silent > 0 &&
      `${countSessions(silent)} came without the recording: it was already missing at the export.`,
    refused > 0 && `${countSessions(refused)} could not be imported:`
  ]
  return parts.filter(Boolean).join(' ')
}
