import { useSessions } from '../services/journal.ts'
import { INSTRUMENTS, Suggestions } from '../shared/fields.tsx'
import type { PracticeForm } from './use-practice.ts'

/** Piece and instrument, with suggestions from the history. */
export function NameFields({ form, instrument }: { form: PracticeForm; instrument: string }) {
  const history = useSessions((state) => state.history)
  const { session, saving, edit } = form
  return (
    <div className="fields">
      <label>
        Piece
        <input
          required
          readOnly={saving}
          maxLength={300}
          list="pieces"
          autoComplete="off"
          placeholder="What are you playing?"
          value={session?.songName ?? ''}
          onChange={({ target }) => edit({ songName: target.value })}
        />
      </label>
      <label>
        Instrument
        <input
          required
          readOnly={saving}
          maxLength={300}
          list="instruments"
          autoComplete="off"
          value={instrument}
          onChange={({ target }) => edit({ instrument: target.value })}
        />
      </label>
      <Suggestions id="pieces" options={history.map(({ songName }) => songName)} />
      <Suggestions
        id="instruments"
        options={[...history.map(({ instrument }) => instrument), ...INSTRUMENTS]}
      />
    </div>
  )
}
