/** What the history shows instead of sessions. */

export function EmptyHistory() {
  return (
    <div className="empty">
      <div className="rest" aria-hidden="true" />
      <p>
        <strong>No sessions yet.</strong>
      </p>
      <p className="hint">
        Press Record and play for a minute. Your session appears here, and you can listen to it again.
      </p>
    </div>
  )
}

export function UnavailableHistory() {
  return (
    <div className="empty">
      <div className="rest" aria-hidden="true" />
      <p>
        <strong>Your journal could not be loaded.</strong>
      </p>
      <p className="hint">
        Nothing is lost, and you can still record. Your sessions appear here as soon as they can be loaded.
      </p>
    </div>
  )
}

export function LoadingHistory() {
  return (
    <div className="skeleton" role="status">
      <span className="sr-only">Loading your journal…</span>
      <i />
      <i />
      <i />
    </div>
  )
}
