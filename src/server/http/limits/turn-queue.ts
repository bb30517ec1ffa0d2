/** Calls that wait, in the order of each user's calls. The users take turns. */
export function createTurnQueue<Call extends { user: string }>() {
  /** The user whose turn is next comes first. */
  const calls = new Map<string, Set<Call>>()
  let size = 0

  return {
    size: () => size,
    sizeOf: (user: string) => calls.get(user)?.size ?? 0,

    /** A copy of all calls, grouped by user. */
    all: (): Call[] => [...calls.values()].flatMap((own) => [...own]),

    add(call: Call): void {
      calls.set(call.user, (calls.get(call.user) ?? new Set()).add(call))
      size++
    },

    /** Does nothing if `call` has left the queue. */
    remove(call: Call): void {
      const own = calls.get(call.user)
      if (own?.delete(call)) size--
      if (own?.size === 0) calls.delete(call.user)
    },

    /** The first call of the next user in turn whose call `isPossible`. */
    next(isPossible: (call: Call) => boolean): Call | undefined {
      for (const [first] of calls.values()) if (first && isPossible(first)) return first
      return undefined
    },

    /** The user is the last in turn from now on. */
    endTurn(user: string): void {
      const own = calls.get(user)
      calls.delete(user)
      if (own) calls.set(user, own)
    },

    /** The calls of the user who has the most. */
    longest(): ReadonlySet<Call> {
      let longest: ReadonlySet<Call> = new Set()
      for (const own of calls.values()) if (own.size > longest.size) longest = own
      return longest
    }
  }
}
