import { PrismaPg } from '@prisma/adapter-pg'
import { clearLogs } from '@prisma/debug'
import type pg from 'pg'
import { databaseCalls, trace } from '../diagnostics.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withTimeLimit } from './errors.ts'
import type { Gate } from './gate.ts'
import { callOf, publishQueries } from './publish-queries.ts'
import type { Queries } from './queries.ts'

type Options = {
  schema: string | undefined
  timeoutMs: number
  gate: Pick<Gate, 'pass'>
}

export type Prisma = ReturnType<typeof createPrisma>

/**
 * A Prisma client on a pool. Failures of PostgreSQL and exceeded time limits are ApiErrors
 * `database_unavailable`.
 */
export function createPrisma(pool: pg.Pool, { schema, timeoutMs, gate }: Options) {
  const client = new PrismaClient({ adapter: new PrismaPg(pool, { schema }), errorFormat: 'minimal' })
  const limited = client.$extends({
    query: {
      $allOperations: ({ model, operation, args, query }) =>
        trace(
          databaseCalls,
          () =>
            withTimeLimit(
              gate.pass(() => query(args).finally(forgetParameters)),
              timeoutMs
            ),
          { call: databaseCalls.hasSubscribers ? callOf({ model, operation, args }) : operation }
        )
    }
  })

  return {
    // The extension does not change the types of the queries.
    queries: limited as unknown as Queries,

    /**
     * Runs `work` in one transaction, which its errors roll back. `work` awaits queries and nothing slower.
     */
    async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
      const deadline = Date.now() + timeoutMs
      const run = () =>
        client.$transaction(
          async (transaction) => {
            const queries = publishQueries(transaction)
            await limitOnServer(queries)
            const result = await work(queries)
            // The deadline has passed and the caller has its error: roll back.
            if (Date.now() > deadline) throw new Error('The transaction took too long')
            return result
          },
          { maxWait: timeoutMs, timeout: timeoutMs }
        )
      return trace(databaseCalls, () => withTimeLimit(gate.pass(run).finally(forgetParameters), timeoutMs), {
        call: 'transaction'
      })
    },

    disconnect: () => client.$disconnect()
  }

  // When the network fails silently, PostgreSQL keeps a transaction and its lock on the user for two hours by
  // default. Set in each transaction, because a pooler loses settings of a connection.
  // idle_in_transaction_session_timeout is not used: it ends the whole embedded database.
  async function limitOnServer(transaction: Pick<Queries, '$queryRaw'>) {
    await transaction.$queryRaw`
      SELECT set_config('statement_timeout', ${String(timeoutMs)}, true),
        set_config('tcp_keepalives_idle', '5', true), set_config('tcp_keepalives_interval', '5', true),
        set_config('tcp_keepalives_count', '2', true)`
  }
}

/**
 * Clears Prisma's debug log. The adapter keeps the last hundred statements there with their parameters,
 * debugging or not: up to a hundred scores of several megabytes.
 */
const forgetParameters = () => clearLogs()
