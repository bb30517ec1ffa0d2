/** Gives permits back. Further calls have no effect. */
export type Release = () => void

type Options = {
  /** Permits for all users together. */
  count: number
  /** Permits that one user may hold. */
  perUser: number
  onRelease: () => void
}

/** Counts the permits of a limiter, of which a call takes one for each place, and who holds them. */
export function createPermits({ count, perUser, onRelease }: Options) {
  const held = new Map<string, number>()
  let free = count

  const heldBy = (user: string) => held.get(user) ?? 0

  function giveBack(user: string, permits: number) {
    free += permits
    const left = heldBy(user) - permits
    if (left > 0) held.set(user, left)
    else held.delete(user)
    onRelease()
  }

  return {
    heldBy,
    areFree: (permits: number) => permits <= free,
    mayHold: (user: string, permits: number) => heldBy(user) + permits <= perUser,
    /** Permits that are held, by all users together. */
    held: () => count - free,

    /** Takes permits, also if there are none. */
    take(user: string, permits: number): Release {
      free -= permits
      held.set(user, heldBy(user) + permits)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        giveBack(user, permits)
      }
    }
  }
}
