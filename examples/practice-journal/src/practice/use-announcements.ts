import { useState } from 'react'

/** What the form tells the musician: a message, a problem, or both. */
export function useAnnouncements() {
  const [said, say] = useState({ message: '', problem: '' })
  return {
    said,
    say,
    tell: (message: string) => say({ message, problem: '' }),
    complain: (problem: string) => say({ message: '', problem }),
    /** Shows the message, and keeps the problem. */
    setMessage: (message: string) => say(({ problem }) => ({ message, problem })),
    /** Shows or clears the problem, and keeps the message. */
    setProblem: (problem: string) => say(({ message }) => ({ message, problem }))
  }
}

export type Announcements = ReturnType<typeof useAnnouncements>
