import type { AttackQuestion, AttackResult } from '../load/attacker.ts'
import type { SavesResult } from '../load/saves.ts'
import type { Crowd } from '../load/start-crowd.ts'
import type { Target } from '../load/target.ts'
import { judge } from '../report.ts'
import type { Accounts } from './attack-accounts.ts'

/** How long most attacks take, in milliseconds. */
export const MS = 7000

/** The server under attack, and what attacks it. */
export type AttackContext = {
  url: string
  databaseUrl: string
  accounts: Accounts
  /** How long the attack takes. `connections` and `crowd` multiply it with the scale. */
  ms: number
  scale: number
  connections: (question: Omit<AttackQuestion, 'url'>) => Promise<AttackResult>
  crowd: Crowd
  /** Saves recordings of 2 MB, all at once. */
  save: (question: Target & { count: number }) => Promise<SavesResult>
  /** Number of requests to the storage so far. */
  countStorageRequests: () => Promise<number>
}

/** What the attacker got, and what must hold besides the limits for all attacks. */
export type Outcome = { answers: string; target?: string }

export type Attack = {
  /** What the attacker tries. */
  name: string
  /** Memory of the server. */
  megabytes: 256 | 512
  ms: number
  run: (context: AttackContext) => Promise<Outcome>
}

/** Each value with the number of its occurrences. */
export function countEach(values: Array<string | number>): string {
  const counts = new Map<string | number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].map(([value, count]) => `${count} × ${value}`).join(', ') || 'none'
}

/** What happened to the connections of an attacker. */
export function describeConnections({ opened, closed, statuses }: AttackResult): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return [...answers, `${closed} of ${opened} connections closed`].join(', ')
}

/** Compares a number with the highest that is allowed. */
export const atMost = (limit: number, what: string, found: number) =>
  judge(`≤ ${limit} ${what} (${found})`, found <= limit)
