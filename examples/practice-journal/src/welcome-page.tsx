import type { ReactNode } from 'react'
import { Clef } from './shared/clef.tsx'

/** The cover: what a visitor sees before the journal opens. */
export function WelcomePage({ children }: { children: ReactNode }) {
  return (
    <main className="cover">
      <div className="plate">
        <p>Harmony Helper</p>
        <h1>Practice Journal</h1>
        <p>
          <em>for every instrument</em>
        </p>
        <div className="staff" aria-hidden="true">
          <Clef name="treble" />
        </div>
        <p className="hint">Record what you play, listen to it again, and follow your week.</p>
        {children}
      </div>
    </main>
  )
}
