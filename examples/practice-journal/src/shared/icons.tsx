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
export const TimerIcon = icon(
  <path
    fill="none"
    stroke="currentColor"
    strokeWidth="1.7"
    strokeLinecap="round"
    d="M10 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM10 11V7.5M8 2.2h4"
  />
)
/** A staff of three lines with a note. */
export const ScoreIcon = icon(
  <>
    <path stroke="currentColor" strokeWidth="1.2" d="M1 5.5h18M1 10h18M1 14.5h18" />
    <ellipse cx="8" cy="14" rx="2.9" ry="2.1" transform="rotate(-22 8 14)" />
    <path d="M9.7 3.5h1.2v10H9.7z" />
  </>
)
