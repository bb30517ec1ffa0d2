import { useState, type FormEvent } from 'react'
import type { StorageError } from '@harmony-helper/client'
import { messageFor } from '../shared/error-messages.ts'
import { useJournal } from '../services/journal.ts'
import { accountService } from '../services/storageFactory.ts'

const WORDS = 'delete everything'

/** Deletes the account after the user has typed what will happen. `onDeleted` signs the user out. */
export function AccountDeletion({ onDeleted }: { onDeleted: () => void }) {
  const journal = useJournal()
  const [asked, setAsked] = useState(false)
  const [typed, setTyped] = useState('')
  const [state, setState] = useState<'idle' | 'running' | 'done'>('idle')
  const [problem, setProblem] = useState('')
  const isConfirmed = typed.trim().toLowerCase() === WORDS

  async function run(event: FormEvent) {
    event.preventDefault()
    if (!isConfirmed || state !== 'idle') return
    setState('running')
    setProblem('')
    try {
      await journal.withoutSending(deleteAll)
    } catch (error) {
      setState('idle')
      setProblem(describe(error as StorageError))
      return
    }
    setState('done')
    onDeleted()
  }

  async function deleteAll() {
    await accountService.deleteAccount()
    await journal.forget({ unsent: true })
  }

  return (
    <section aria-labelledby="deletion-title">
      <h3 id="deletion-title">Delete everything</h3>
      <p>
        Deletes all your sessions, scores, recordings and your profile from the server, and what this browser
        keeps of them, including sessions that are not sent yet. Nobody can restore them: export your data
        first if you may want it back.
      </p>
      {!asked && (
        <button type="button" className="danger" onClick={() => setAsked(true)}>
          Delete everything…
        </button>
      )}
      {asked && (
        <form onSubmit={run}>
          <p className="hint">
            You are signed out afterwards. If you sign in again, you start with an empty journal. Sign out in
            your other browsers first: sessions that wait there would be saved to a new account.
          </p>
          <label>
            Type “{WORDS}” to confirm
            <input
              autoFocus
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              value={typed}
              onChange={({ target }) => setTyped(target.value)}
            />
          </label>
          <p role="status" className="hint">
            {state === 'running' && 'Deleting…'}
            {state === 'done' && 'Everything is deleted. Signing out…'}
          </p>
          {problem && (
            <p role="alert" className="problem">
              {problem}
            </p>
          )}
          <div className="actions">
            <button type="submit" className="danger" disabled={!isConfirmed || state !== 'idle'}>
              Delete everything now
            </button>
            <button type="button" disabled={state !== 'idle'} onClick={() => setAsked(false)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </section>
  )
}

function describe(error: StorageError): string {
  if (error.code !== 'storage_unavailable') return messageFor(error)
  return 'Not all recordings are deleted yet, because their storage is unavailable. Delete again in a few minutes.'
}
