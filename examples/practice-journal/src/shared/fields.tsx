import { useRef } from 'react'

export const INSTRUMENTS = [
  'Piano',
  'Violin',
  'Viola',
  'Cello',
  'Double bass',
  'Guitar',
  'Flute',
  'Oboe',
  'Clarinet',
  'Bassoon',
  'Saxophone',
  'Trumpet',
  'Horn',
  'Trombone',
  'Tuba',
  'Harp',
  'Organ',
  'Percussion',
  'Voice'
]

/** A button that opens the file picker. */
export function FileButton({
  label,
  accept,
  describedBy,
  onPick
}: {
  label: string
  accept: string
  describedBy: string
  onPick: (files: File[]) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" aria-describedby={describedBy} onClick={() => input.current!.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        aria-label={label}
        onChange={({ target }) => {
          onPick([...target.files!])
          target.value = '' // so that the same file can be picked again
        }}
      />
    </>
  )
}

/** Suggestions for a text input, by the input's `list` attribute. */
export function Suggestions({ id, options }: { id: string; options: string[] }) {
  return (
    <datalist id={id}>
      {[...new Set(options)].slice(0, 50).map((option) => (
        <option key={option} value={option} />
      ))}
    </datalist>
  )
}
