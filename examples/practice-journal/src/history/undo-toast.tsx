import { useEffect, useRef } from 'react'
import type { useDeletion } from './use-deletion.ts'

type Props = { deletion: ReturnType<typeof useDeletion>; onClosed: () => void }

/** Lets the user undo a deletion while it waits, and reports when it has happened. */
export function UndoToast({ deletion: { current, commit, close }, onClosed }: Props) {
  const undo = useRef<HTMLButtonElement>(null)
  const { session, state } = current!
  useEffect(() => {
    undo.current?.focus()
    return onClosed
  }, [onClosed])
  useEffect(() => {
    if (state === 'running') onClosed() // the buttons are gone
  }, [state, onClosed])
  const name = session.songName || 'Untitled'
  return (
    <div className="toast">
      <span role="status">
        {state === 'waiting' && `“${name}” will be deleted.`}
        {state === 'running' && `Deleting “${name}”…`}
        {state === 'done' && `Deleted “${name}”.`}
      </span>
      {state === 'waiting' && (
        <>
          <button type="button" ref={undo} onClick={close}>
            Undo
          </button>
          <button type="button" onClick={commit}>
            Delete now
          </button>
        </>
      )}
      {state === 'done' && (
        <button type="button" onClick={close}>
          Close
        </button>
      )}
    </div>
  )
}
