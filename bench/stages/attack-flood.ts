import type { Accounts } from './attack-accounts.ts'
import { describeConnections, MS, type Attack } from './attack-context.ts'

type Flood = { connections: number; texts: (accounts: Accounts) => string[]; reads: boolean }

/**
 * Sends the same on many connections. Where nobody reads the answers, empty lines follow, which the server ignores:
 * they tell whether it has closed the connection.
 */
export const flood = (megabytes: 256 | 512, name: string, { connections, texts, reads }: Flood): Attack => ({
  name,
  megabytes,
  ms: MS,
  async run(context) {
    const trickle = reads ? undefined : { piece: '\r\n', everyMs: 250 }
    const question = { connections, texts: texts(context.accounts), trickle, reads, ms: context.ms }
    return { answers: describeConnections(await context.connections(question)) }
  }
})
