import { useEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import type { Account } from '@harmony-helper/client/account'
import { messageFor } from '../shared/error-messages.ts'
import type { StorageError } from '@harmony-helper/client'
import { useSessions } from '../services/journal.ts'
import { accountService } from '../services/storageFactory.ts'
import { AccountDeletion } from './account-deletion.tsx'
import { AccountExport } from './account-export.tsx'
import { AccountFigures } from './account-figures.tsx'
import { AccountImport } from './account-import.tsx'

type Props = { name: string | undefined; onDeleted: () => void }

/** A button that opens what the user may do with all of their data. Work goes on while it is closed. */
export function MyData({ name, onDeleted }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [account, setAccount] = useState<Account>()
  const [problem, setProblem] = useState('')
  const unsent = useSessions(({ history }) => history.filter(({ pending }) => pending).length)

  async function load() {
    try {
      setAccount(await accountService.getAccount())
      setProblem('')
    } catch (error) {
      setProblem(messageFor(error as StorageError))
    }
  }
  function open() {
    dialog.current!.showModal()
    load()
  }
  useEffect(() => {
    if (dialog.current!.open) load() // the figures follow what was sent
  }, [unsent])

  return (
    <>
      <button type="button" onClick={open}>
        My data
      </button>
      {createPortal(
        <dialog ref={dialog} className="my-data" aria-labelledby="my-data-title">
          <div className="title">
            <h2 id="my-data-title">My data</h2>
            <button type="button" onClick={() => dialog.current!.close()}>
              Close
            </button>
          </div>
          {name && <p className="hint">Signed in as {name}.</p>}
          {account && <AccountFigures account={account} />}
          <p role="status" className="hint">
            {!account && !problem && 'Loading…'}
          </p>
          {problem && (
            <p role="alert" className="problem">
              {problem}
            </p>
          )}
          <AccountExport unsent={unsent} />
          <AccountImport onImported={load} />
          <AccountDeletion onDeleted={onDeleted} />
        </dialog>,
        document.body
      )}
    </>
  )
}
