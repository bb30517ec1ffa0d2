import { useState } from 'react'
import { dayName, fromLocalInput, timeOfDay, timeZoneName, toLocalInput } from './format.ts'

const MAX_MINUTES = 24 * 60

type MinutesProps = {
  seconds: number
  readOnly?: boolean
  required?: boolean
  id?: string
  onChange: (seconds: number) => void
}

/** The length of a practice. Seconds are kept until the minutes are changed. */
export function MinutesField({ seconds, onChange, ...attributes }: MinutesProps) {
  const [typed, setTyped] = useState<string>()
  return (
    <label className="minutes">
      Minutes practised
      <input
        {...attributes}
        type="number"
        inputMode="decimal"
        min={0}
        max={MAX_MINUTES}
        step="any"
        value={typed ?? minutesOf(seconds)}
        onChange={({ target }) => {
          setTyped(target.value)
          if (target.validity.valid || !target.value) onChange(Math.round(Number(target.value) * 60))
        }}
        onBlur={({ target }) => {
          if (target.validity.valid) setTyped(undefined)
        }}
      />
    </label>
  )
}

type DateProps = { date: string; readOnly?: boolean; onChange: (date: string) => void }

/** When it was played. The hint names the day, because the order of day and month differs between browsers. */
export function DateField({ date, readOnly, onChange }: DateProps) {
  return (
    <label className="when">
      Played at
      <input
        type="datetime-local"
        required
        readOnly={readOnly}
        max={toLocalInput(new Date().toISOString())}
        value={toLocalInput(date)}
        onChange={({ target }) => {
          if (target.value) onChange(fromLocalInput(target.value))
        }}
      />
      <span className="hint">
        {dayName(date)}, {timeOfDay(date)}, {timeZoneName} time
      </span>
    </label>
  )
}

/** Whole minutes; from a tenth of a minute below ten minutes. Empty without practice. */
function minutesOf(seconds: number): string {
  if (!seconds) return ''
  return String(seconds < 600 ? Math.max(0.1, Math.round(seconds / 6) / 10) : Math.round(seconds / 60))
}

type NotesProps = { notes: string | null; readOnly?: boolean; onChange: (notes: string) => void }

export function NotesField({ notes, readOnly, onChange }: NotesProps) {
  return (
    <label>
      Notes
      <textarea
        rows={3}
        maxLength={10_000}
        readOnly={readOnly}
        placeholder="What went well, what to do next"
        value={notes ?? ''}
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  )
}
