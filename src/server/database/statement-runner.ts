import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { databaseCalls, trace } from '../diagnostics.ts'
import { sqlState, withTimeLimit } from './errors.ts'
import type { Gate } from './gate.ts'

/** SQL with numbered parameters, and the name under which PostgreSQL keeps its plan. */
export type Statement = { readonly name: string; readonly text: string }

/**
 * Names a statement, with a hash of its text. Behind a pooler, two releases may share a server connection. The hash
 * keeps one from executing the other's SQL under the same name.
 */
export function defineStatement(name: string, text: string): Statement {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { name: `${name}-${hash}`, text }
}

export type RunStatement = <Row extends pg.QueryResultRow>(
  statement: Statement,
  values: unknown[]
) => Promise<Row[]>

type Options = {
  timeoutMs: number
  gate: Pick<Gate, 'pass'>
  /** Whether to prepare statements by name: half the work for PostgreSQL. */
  prepared: boolean
  log: { warn: (message: string) => void }
}

/** PostgreSQL has ended the statement to resolve a deadlock, and rolled it back (SQLSTATE 40P01). */
const DEADLOCK_DETECTED = '40P01'
/** Lets the other transaction of a deadlock take the lock that it waits for. Otherwise the two may meet again. */
const DEADLOCK_PAUSE_MS = 50

/**
 * PostgreSQL reports these before it runs a prepared statement. A pooler has given us a server connection
 * that lacks our statement (26000) or has another under that name (42P05), or a migration has changed the
 * type of a column (0A000).
 */
const PREPARED_STATEMENT_FAULTS = new Set(['26000', '42P05', '0A000'])

/**
 * Runs the few hot statements on the pool itself, bypassing Prisma. Each is one round trip and a transaction of
 * its own.
 *
 * @throws {ApiError} database_unavailable
 */
export function createStatementRunner(
  pool: pg.Pool,
  { timeoutMs, gate, prepared, log }: Options
): RunStatement {
  let isPrepared = prepared

  const send = <Row extends pg.QueryResultRow>({ name, text }: Statement, values: unknown[]) =>
    query<Row>(pool, isPrepared ? { name, text, values } : { text, values })

  function stopPreparing() {
    if (isPrepared) log.warn('A prepared statement is unusable: continuing without prepared statements')
    isPrepared = false
  }

  async function sendWithOneRetry<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: unknown[]
  ): Promise<Row[]> {
    try {
      return (await send<Row>(statement, values)).rows
    } catch (error) {
      const state = sqlState(error) ?? ''
      if (PREPARED_STATEMENT_FAULTS.has(state)) stopPreparing()
      else if (state === DEADLOCK_DETECTED) await sleep(DEADLOCK_PAUSE_MS)
      else throw error
      return (await send<Row>(statement, values)).rows
    }
  }

  return (statement, values) =>
    trace(
      databaseCalls,
      () =>
        withTimeLimit(
          gate.pass(() => sendWithOneRetry(statement, values)),
          timeoutMs
        ),
      { call: statement.name }
    )
}

/**
 * `pool.query` would keep the values of a new connection's first query, up to two large scores, until that
 * connection closes.
 */
async function query<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  config: pg.QueryConfig
): Promise<pg.QueryResult<Row>> {
  const connection = await pool.connect()
  connection.on('error', ignore)
  const release = (error?: Error) => connection.off('error', ignore).release(error)
  try {
    const result = await connection.query<Row>(config)
    release()
    return result
  } catch (error) {
    release(isRefusal(error) ? undefined : (error as Error)) // released with an error, it is closed
    throw error
  }
}

/** PostgreSQL has refused the statement, such as a save beyond a quota. The connection can be used again. */
const isRefusal = (error: unknown) =>
  error instanceof pg.DatabaseError && !PREPARED_STATEMENT_FAULTS.has(error.code ?? '')

/** When a connection is lost, its query rejects, too. */
const ignore = () => {}

/**
 * Whether prepared statements work behind this URL: not through PgBouncer in transaction mode (Supabase's port 6543),
 * which gives each transaction another session. The embedded stack sets PREPARED_STATEMENTS=off.
 */
export function supportsPreparedStatements(url: string): boolean {
  const { port, searchParams } = new URL(url)
  return port !== '6543' && searchParams.get('pgbouncer') !== 'true'
}
