import pg from 'pg'
import type { Config } from '../config.ts'
import { withTimeLimit } from './errors.ts'
import { createGate } from './gate.ts'
import type { Prisma } from './prisma.ts'
import { lazyQueries, type Queries } from './queries.ts'
import { createStatementRunner, supportsPreparedStatements } from './statement-runner.ts'
import { createTimeZones } from './time-zones.ts'

export type { Queries }

/**
 * The database behind one pool of connections. Failures of PostgreSQL and exceeded time limits are ApiErrors
 * `database_unavailable`.
 */
export type Database = ReturnType<typeof createDatabase>

type Options = {
  /** Told once when prepared statements turn out not to work. */
  log?: { warn: (message: string) => void }
}

/**
 * A new connection needs up to 0.3 s on a busy machine: PostgreSQL starts a process, which prepares each statement
 * again. The pool's default, ten seconds, makes the first requests of every burst wait for that.
 */
const IDLE_CONNECTION_MS = 5 * 60_000

export function createDatabase(config: Config['database'], { log = console }: Options = {}) {
  const { url, schema, poolSize, timeoutMs, preparedStatements } = config
  const gate = createGate(timeoutMs)
  const prepared =
    preparedStatements === 'on' || (preparedStatements === 'auto' && supportsPreparedStatements(url))
  const pool = new pg.Pool({
    // Otherwise a pooler is between, and a connection has no process of its own.
    onConnect: prepared ? keepMemory : undefined,
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    keepAlive: true
  })
  pool.on('release', discardUnlessIdle)
  // An idle connection was lost. The pool has removed it, and the next query opens another.
  pool.on('error', () => {})

  let loading: Promise<Prisma> | undefined
  /** Loads Prisma's client with the first query that needs it: it takes 0.2 s and 15 MB. */
  function prisma(): Promise<Prisma> {
    loading ??= import('./prisma.ts').then(({ createPrisma }) =>
      createPrisma(pool, { schema, timeoutMs, gate })
    )
    return loading
  }

  const database = {
    queries: lazyQueries(async () => (await prisma()).queries),

    /** Runs one statement on a pooled connection, bypassing Prisma: for the few statements that most requests need. */
    run: createStatementRunner(pool, {
      timeoutMs,
      gate,
      prepared,
      log
    }),

    /** Time limit of every call, in milliseconds. */
    timeoutMs,

    /**
     * Runs `work` in one transaction, which its errors roll back. `work` awaits queries and nothing slower.
     */
    async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
      return (await prisma()).transaction(work)
    },

    gate,

    /** Connections of the pool, those of them that are idle, and calls that wait for one. */
    connections: () => ({
      max: poolSize,
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount
    }),

    /** Runs SQL past the gate and Prisma: for the checks that decide whether the gate is open. */
    runUngated: <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
      withTimeLimit(
        pool.query<Row>(text, values).then(({ rows }) => rows),
        timeoutMs
      ),

    async close(): Promise<void> {
      await (await loading)?.disconnect()
      await pool.end()
    }
  }
  return {
    ...database,
    /** The names under which the database knows time zones. */
    zones: createTimeZones({ transaction: database.transaction, log })
  }

  function discardUnlessIdle(_error: Error | undefined, connection: pg.PoolClient) {
    // After a time-out a connection can return to the pool inside a query or a transaction. Later writes
    // would join that transaction and never be committed.
    if (connection.getTransactionStatus() !== 'I' || isBusy(connection)) connection.end().catch(() => {})
  }
}

/**
 * Lets the process of a new connection keep the memory that it frees. A page of the history needs 130 kB. By
 * default, the C library of most hosts (glibc) returns that to the kernel after each statement, and the next one
 * gets it again page by page: 0.9 ms of CPU instead of 0.3. Once a block of 1 MB was freed, it keeps up to 2 MB
 * (mallopt(3), M_MMAP_THRESHOLD).
 */
const keepMemory = async (connection: pg.ClientBase) => {
  await connection.query("SELECT length(repeat('x', 1000000))")
}

const isBusy = (connection: pg.PoolClient) =>
  (connection as pg.PoolClient & { readyForQuery?: boolean }).readyForQuery === false
