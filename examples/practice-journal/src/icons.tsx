import type { ReactNode } from 'react'

/** Hidden from screen readers, because every icon has a text or label beside it. */
function icon(children: ReactNode) {
  return function Icon() {
    return (
      <svg className="icon" viewBox="0 0 20 20" fill="currentColor" aria-hidden="true">
        {children}
      </svg>
    )
  }
}

export const PlayIcon = icon(<path d="M5.5 3.2v13.6L16.5 10z" />)
export const PauseIcon = icon(<path d="M5 3.5h3.4v13H5zm6.6 0H15v13h-3.4z" />)
export const StopIcon = icon(<rect x="4.5" y="4.5" width="11" height="11" rx="1" />)
export const RecordIcon = icon(<circle cx="10" cy="10" r="6" />)
export const SearchIcon = icon(
  <path
    fill="none"
    stroke="currentColor"
    strokeWidth="1.7"
    strokeLinecap="round"
    d="M8.7 14a5.3 5.3 0 1 0 0-10.6 5.3 5.3 0 0 0 0 10.6zm4-1.3 4 4"
  />
)
export const ChevronIcon = icon(
  <path
    fill="none"
    stroke="currentColor"
    strokeWidth="1.7"
    strokeLinecap="round"
    strokeLinejoin="round"
    d="m5.5 8 4.5 4.5L14.5 8"
  />
)
export const NoteIcon = icon(
  <>
    <ellipse cx="7.5" cy="15" rx="3.9" ry="2.9" transform="rotate(-22 7.5 15)" />
    <path d="M9.9 2h1.3v12.3H9.9z" />
  </>
)

/** The bass clef, for a staff whose lines are 12 pixels apart. */
export function Clef() {
  return (
    <svg className="clef" viewBox="0 0 38 49" width="38" height="49" fill="currentColor" aria-hidden="true">
      <path d="M3.2 12.5C3.5 5 9 .4 15.5.4 23.8.4 28.6 6 28.6 14 28.6 28 17 38.5 2.5 44.5l-.4-.9C13.5 37 21.8 28 21.8 14.3 21.8 6.5 18.8 1.9 14.2 1.9 10 1.9 6.6 4.5 5.6 8.7z" />
      <circle cx="7.7" cy="12.5" r="4.6" />
      <circle cx="33.5" cy="6.5" r="2.5" />
      <circle cx="33.5" cy="18.5" r="2.5" />
    </svg>
  )
}
