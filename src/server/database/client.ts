import { PrismaPg } from '@prisma/adapter-pg'
import { clearLogs } from '@prisma/debug'
import pg from 'pg'
import type { Config } from '../config.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withTimeLimit } from './errors.ts'
import { createGate } from './gate.ts'
import { createStatementRunner, supportsPreparedStatements } from './statement-runner.ts'
import { createTimeZones } from './time-zones.ts'

/** The queries of a repository, which run on the client or inside a transaction. */
export type Queries = Pick<PrismaClient, '$queryRaw' | '$executeRaw' | 'user' | 'session' | 'sessionLease'>

/**
 * A pooled Prisma client. Failures of PostgreSQL and exceeded time limits are ApiErrors
 * `database_unavailable`.
 */
export type Database = ReturnType<typeof createDatabase>

type Options = {
  /** Told once when prepared statements turn out not to work. */
  log?: { warn: (message: string) => void }
}

export function createDatabase(config: Config['database'], { log = console }: Options = {}) {
  const { url, schema, poolSize, timeoutMs, preparedStatements } = config
  const gate = createGate(timeoutMs)
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true
  })
  pool.on('release', discardUnlessIdle)
  // An idle connection was lost. The pool has removed it, and the next query opens another.
  pool.on('error', () => {})
  const client = new PrismaClient({
    adapter: new PrismaPg(pool, { disposeExternalPool: true, schema }),
    errorFormat: 'minimal'
  })
  const limited = client.$extends({
    query: {
      $allOperations: ({ args, query }) =>
        withTimeLimit(
          gate.pass(() => query(args).finally(forgetParameters)),
          timeoutMs
        )
    }
  })

  const database = {
    // The extension does not change the types of the queries.
    queries: limited as unknown as Queries,

    /** Runs one statement on a pooled connection, past Prisma: for the few statements that most requests need. */
    run: createStatementRunner(pool, {
      timeoutMs,
      gate,
      prepared:
        preparedStatements === 'on' || (preparedStatements === 'auto' && supportsPreparedStatements(url)),
      log
    }),

    /** Time limit of every call, in milliseconds. */
    timeoutMs,

    /**
     * Runs `work` in one transaction, which its errors roll back. `work` awaits queries and nothing slower.
     */
    async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
      const deadline = Date.now() + timeoutMs
      const run = () =>
        client.$transaction(
          async (transaction) => {
            await limitOnServer(transaction)
            const result = await work(transaction)
            // The deadline has passed and the caller has its error: roll back.
            if (Date.now() > deadline) throw new Error('The transaction took too long')
            return result
          },
          { maxWait: timeoutMs, timeout: timeoutMs }
        )
      return withTimeLimit(gate.pass(run).finally(forgetParameters), timeoutMs)
    },

    gate,

    /** Runs SQL past the gate and past Prisma: for the checks that decide whether the gate is open. */
    inspect: <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
      withTimeLimit(
        pool.query<Row>(text, values).then(({ rows }) => rows),
        timeoutMs
      ),

    async close(): Promise<void> {
      await client.$disconnect()
      // Prisma ends the pool only if it has used it.
      if (!pool.ended && !pool.ending) await pool.end()
    }
  }
  return {
    ...database,
    /** The names under which the database knows time zones. */
    zones: createTimeZones({ transaction: database.transaction, log })
  }

  // When the network fails silently, PostgreSQL keeps a transaction and its lock on the user for two hours by
  // default. Set in each transaction, because a pooler loses settings of a connection.
  // idle_in_transaction_session_timeout is not used: it ends the whole embedded database.
  async function limitOnServer(transaction: Pick<PrismaClient, '$queryRaw'>) {
    await transaction.$queryRaw`
      SELECT set_config('statement_timeout', ${String(timeoutMs)}, true),
        set_config('tcp_keepalives_idle', '5', true), set_config('tcp_keepalives_interval', '5', true),
        set_config('tcp_keepalives_count', '2', true)`
  }

  function discardUnlessIdle(_error: Error | undefined, connection: pg.PoolClient) {
    // After a time-out a connection can return to the pool inside a query or a transaction. Later writes
    // would join that transaction and never be committed.
    if (connection.getTransactionStatus() !== 'I' || isBusy(connection)) connection.end().catch(() => {})
  }
}

/**
 * Clears Prisma's debug log. The adapter keeps the last hundred statements there with their parameters,
 * debugging or not: up to a hundred scores of several megabytes.
 */
const forgetParameters = () => clearLogs()

const isBusy = (connection: pg.PoolClient) =>
  (connection as pg.PoolClient & { readyForQuery?: boolean }).readyForQuery === false
