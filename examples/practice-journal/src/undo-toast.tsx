import { useEffect, useRef } from 'react'
import type { SessionData } from 'harmony-helper/client'

const UNDO_MS = 10_000

/**
 * Lets the user undo a deletion for ten seconds. The deletion happens afterwards, or when the user closes the
 * toast.
 */
export function UndoToast({
  session,
  onCommit,
  onUndo,
  onClosed
}: {
  session: SessionData
  onCommit: () => void
  onUndo: () => void
  onClosed: () => void
}) {
  const undo = useRef<HTMLButtonElement>(null)
  const callbacks = useRef({ onCommit, onClosed })
  callbacks.current = { onCommit, onClosed }
  useEffect(() => {
    undo.current?.focus()
    const timer = setTimeout(() => callbacks.current.onCommit(), UNDO_MS)
    return () => {
      clearTimeout(timer)
      callbacks.current.onClosed()
    }
  }, [])
  return (
    <div className="toast" role="status">
      <span>Deleted “{session.songName}”.</span>
      <button type="button" ref={undo} onClick={onUndo}>
        Undo
      </button>
      <button type="button" onClick={onCommit}>
        Close
      </button>
    </div>
  )
}
