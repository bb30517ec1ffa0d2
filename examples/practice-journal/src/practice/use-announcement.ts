import { useState, type Dispatch, type SetStateAction } from 'react'

/** What the form tells the musician. Absent members show nothing. */
type Announcement = { message?: string; problem?: string }

export type Announce = Dispatch<SetStateAction<Announcement>>

/** `announce({ … })` replaces both members; `announce((shown) => ({ ...shown, … }))` keeps the other one. */
export function useAnnouncement() {
  const [announcement, announce] = useState<Announcement>({})
  return { announcement, announce }
}
