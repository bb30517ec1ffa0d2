import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describeFailure, firstLine, throwIfFailed } from './history-report.ts'
import type { Migration, MigrationHistory } from './history.ts'
import type { MigrationLock } from './lock.ts'

interface Context {
  client: pg.Client
  history: MigrationHistory
  withLock: MigrationLock
}

/** `active_sql_transaction`: the statement refuses to run inside a transaction. */
const ACTIVE_SQL_TRANSACTION = '25001'

/** An error of the script itself, not of the connection or the history. */
class ScriptError extends Error {}

/** Applies one migration in one transaction. @returns false when the migration was applied before */
export async function applyMigration(migration: Migration, context: Context): Promise<boolean> {
  const { history, withLock } = context
  const id = randomUUID()
  try {
    return await withLock(async () => {
      const entries = await history.entries()
      throwIfFailed(entries)
      if (entries.some(({ name }) => name === migration.name)) return false
      await history.start(id, migration)
      await run(migration.script, id, context)
      return true
    })
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error
    await history.fail(id, migration, error.message)
    throw new Error(describeFailure(migration.name, `failed: ${firstLine(error.message)}`))
  }
}

async function run(script: string, id: string, { client, history }: Context): Promise<void> {
  try {
    await client.query(script)
    // Reports violations of deferred constraints here rather than at COMMIT.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE')
  } catch (error) {
    throw error instanceof pg.DatabaseError ? toScriptError(script, error) : error
  }
  if (!(await history.finish(id))) {
    throw new ScriptError('The script rolls back the transaction in which it runs')
  }
}

function toScriptError(script: string, { message, code, detail, position }: pg.DatabaseError): ScriptError {
  const line = position && `line ${script.slice(0, Number(position)).split('\n').length}`
  const where = [line, `SQLSTATE ${code}`].filter(Boolean).join(', ')
  const advice =
    code === ACTIVE_SQL_TRANSACTION
      ? '. Each migration runs in one transaction: take this statement out and run it by hand without one'
      : ''
  return new ScriptError(`${message} (${where})${advice}${detail ? `\n${detail}` : ''}`)
}
