/** A stream such as `process.stderr`. */
export type Terminal = { isTTY?: boolean | undefined; write: (text: string) => unknown }

type Options = {
  terminal: Terminal | undefined
  /** The id of the user with whom the walk begins; without it, that of all users. */
  from?: string | undefined
  /** In milliseconds. */
  now?: () => number
}

export type Progress = ReturnType<typeof createProgress>

const TERMINAL_MS = 200
const LINE_MS = 30_000
const ERASE = '\r\u001B[K'

/**
 * Tells how far a walk over all users has come: on a terminal in one line that changes, elsewhere in a line every half
 * minute. The ids of users are random and visited in order, so an id tells the share that is done: nothing is counted.
 */
export function createProgress({ terminal, from, now = () => performance.now() }: Options) {
  const begin = positionOf(from ?? '0')
  const startedAt = now()
  const pauseMs = terminal?.isTTY ? TERMINAL_MS : LINE_MS
  let toldAt = startedAt
  let users = 0
  let last = ''

  function tell(share: number) {
    toldAt = now()
    const line = describe({ users, share, seconds: (toldAt - startedAt) / 1000 })
    terminal?.write(terminal.isTTY ? ERASE + line : `${line}\n`)
  }

  return {
    /** The walk has come to this user. */
    at(userId: string): void {
      if (userId !== last) users++
      last = userId
      if (now() - toldAt >= pauseMs) tell((positionOf(userId) - begin) / (1 - begin))
    },

    /** Removes the line from a terminal, before another line is printed. */
    clear(): void {
      if (terminal?.isTTY && toldAt !== startedAt) terminal.write(ERASE)
    }
  }
}

/** From 0 to 1. */
const positionOf = (userId: string) => parseInt(userId.slice(0, 8).padEnd(8, '0'), 16) / 2 ** 32

function describe({ users, share, seconds }: { users: number; share: number; seconds: number }): string {
  const count = `${users.toLocaleString('en')} ${users === 1 ? 'user' : 'users'}, ${Math.floor(share * 100)} %`
  const left = share > 0 ? `, about ${durationOf((seconds / share) * (1 - share))} left` : ''
  return `${count}, ${rateOf(users / seconds)}${left}`
}

function rateOf(perSecond: number): string {
  const isSlow = perSecond < 1
  const rate = Math.round(isSlow ? perSecond * 60 : perSecond)
  return `${rate.toLocaleString('en')} a ${isSlow ? 'minute' : 'second'}`
}

function durationOf(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}
