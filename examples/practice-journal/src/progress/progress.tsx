import { lazy, Suspense, useState } from 'react'
import { ChevronIcon } from '../shared/icons.tsx'

const ProgressPanel = lazy(() => import('./progress-panel.tsx'))

/** Progress over time. Its charts are loaded when it is opened. */
export function Progress() {
  const [open, setOpen] = useState(false)
  return (
    <section className="card progress" aria-labelledby="progress-title">
      <h2 id="progress-title">
        <button
          type="button"
          className="disclosure"
          aria-expanded={open}
          aria-controls="progress-panel"
          onClick={() => setOpen(!open)}
        >
          Progress <ChevronIcon />
        </button>
      </h2>
      <div id="progress-panel" hidden={!open}>
        {open && (
          <Suspense
            fallback={
              <p role="status" className="hint">
                Loading…
              </p>
            }
          >
            <ProgressPanel />
          </Suspense>
        )}
      </div>
    </section>
  )
}
