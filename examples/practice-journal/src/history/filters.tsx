import type { SessionData } from '@harmony-helper/client'
import { SearchIcon } from '../shared/icons.tsx'
import { useChoices, type Filter } from './search.ts'

type Props = { history: SessionData[]; filter: Filter; onChange: (filter: Filter) => void }

/** Search by words, and selection by instrument and piece where there is more than one. */
export function Filters({ history, filter, onChange }: Props) {
  const { instruments, pieces } = useChoices(history, filter.instrument)
  return (
    <div className="filters" role="search" aria-label="Search the journal">
      <label className="search">
        <SearchIcon />
        <input
          type="search"
          aria-label="Search by piece or instrument"
          placeholder="Piece or instrument"
          value={filter.words}
          onChange={({ target }) => onChange({ ...filter, words: target.value })}
        />
      </label>
      {instruments.length > 1 && (
        <Choice
          label="Filter by instrument"
          all="All instruments"
          options={instruments}
          value={filter.instrument}
          onChange={(instrument) => onChange({ ...filter, instrument, piece: '' })}
        />
      )}
      {(pieces.length > 1 || filter.piece) && (
        <Choice
          label="Filter by piece"
          all="All pieces"
          options={pieces}
          value={filter.piece}
          onChange={(piece) => onChange({ ...filter, piece })}
        />
      )}
    </div>
  )
}

type ChoiceProps = {
  label: string
  all: string
  options: string[]
  value: string
  onChange: (value: string) => void
}

export function Choice({ label, all, options, value, onChange }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={({ target }) => onChange(target.value)}>
      <option value="">{all}</option>
      {options.map((option) => (
        <option key={option}>{option}</option>
      ))}
    </select>
  )
}
