import { PrismaPg } from '@prisma/adapter-pg'
import { clearLogs } from '@prisma/debug'
import pg from 'pg'
import type { Config } from '../config.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withTimeLimit } from './errors.ts'

/** What repositories work with: the whole client, or the transaction they are called in. */
export type Queries = Pick<PrismaClient, '$queryRaw' | '$executeRaw' | 'user' | 'session' | 'sessionLease'>

/** All failures of PostgreSQL itself, and every wait beyond the time limit, are ApiError `database_unavailable`. */
export type Database = ReturnType<typeof createDatabase>

export function createDatabase({ url, poolSize, timeoutMs }: Config['database']) {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true
  })
  pool.on('release', discardUnlessIdle)
  const client = new PrismaClient({
    adapter: new PrismaPg(pool, { disposeExternalPool: true }),
    errorFormat: 'minimal'
  })
  const limited = client.$extends({
    query: {
      $allOperations: ({ args, query }) => withTimeLimit(query(args).finally(forgetParameters), timeoutMs)
    }
  })

  return {
    // The extension changes how queries run and none of their types.
    queries: limited as unknown as Queries,

    /** How long any call may take. */
    timeoutMs,

    /** Runs `work` in one transaction; what it throws rolls back. Nothing slow may be awaited inside. */
    async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
      const deadline = Date.now() + timeoutMs
      const run = client
        .$transaction(
          async (transaction) => {
            await limitOnServer(transaction)
            const result = await work(transaction)
            // The caller was already told that it failed: then it has to fail.
            if (Date.now() > deadline) throw new Error('The transaction took too long')
            return result
          },
          { maxWait: timeoutMs, timeout: timeoutMs }
        )
        .finally(forgetParameters)
      return withTimeLimit(run, timeoutMs)
    },

    async check(): Promise<void> {
      await limited.$queryRaw`SELECT 1 FROM users LIMIT 1`
    },

    async close(): Promise<void> {
      await client.$disconnect()
    }
  }

  // Where the network goes away without a word, PostgreSQL would keep the transaction, and with it the lock on its user,
  // for two hours. For each transaction anew, because settings of a connection are lost behind a pooler. Not
  // idle_in_transaction_session_timeout: it ends the whole embedded database.
  async function limitOnServer(transaction: Pick<PrismaClient, '$queryRaw'>) {
    await transaction.$queryRaw`
      SELECT set_config('statement_timeout', ${String(timeoutMs)}, true), set_config('tcp_keepalives_idle', '5', true),
        set_config('tcp_keepalives_interval', '5', true), set_config('tcp_keepalives_count', '2', true)`
  }

  function discardUnlessIdle(_error: Error | undefined, connection: pg.PoolClient) {
    // After a time-out a connection may come back in the middle of a query or of a transaction; the next user's
    // writes would land in there and never be committed.
    if (connection.getTransactionStatus() !== 'I' || isBusy(connection)) connection.end().catch(() => {})
  }
}

/**
 * Prisma's adapter notes each statement with its parameters for debugging, whether or not somebody does, and keeps the
 * last hundred: a hundred scores of megabytes.
 */
const forgetParameters = () => clearLogs()

const isBusy = (connection: pg.PoolClient) =>
  (connection as pg.PoolClient & { readyForQuery?: boolean }).readyForQuery === false
