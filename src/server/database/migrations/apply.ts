import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describeFailure, firstLine, type Migration, type MigrationHistory, refuseFailed } from './history.ts'
import type { MigrationLock } from './lock.ts'

interface Context {
  client: pg.Client
  history: MigrationHistory
  locked: MigrationLock
}

const ACTIVE_SQL_TRANSACTION = '25001'

/** The script is at fault, not the connection or the book-keeping. */
class ScriptError extends Error {
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

function toScriptError(script: string, { message, code, detail, position }: pg.DatabaseError): ScriptError {
  const line = position && `line ${script.slice(0, Number(position)).split('\n').length}`
  const where = [line, `SQLSTATE ${code}`].filter(Boolean).join(', ')
  return new ScriptError(`${message} (${where})${detail ? `\n${detail}` : ''}`, code)
}

async function run(script: string, id: string, { client, history }: Context): Promise<void> {
  try {
    await client.query(script)
    // Else what it deferred would come to light only when it is committed.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE')
  } catch (error) {
    throw error instanceof pg.DatabaseError ? toScriptError(script, error) : error
  }
  if (!(await history.finish(id))) {
    throw new ScriptError('The script rolls back the transaction in which it runs')
  }
}

async function recordFailure(
  error: unknown,
  migration: Migration,
  { id, history }: Context & { id: string }
): Promise<never> {
  if (!(error instanceof ScriptError)) throw error
  await history.fail(id, migration, error.message)
  throw new Error(describeFailure(migration.name, `failed: ${firstLine(error.message)}`))
}

/** Applies one migration. False when somebody did so meanwhile. */
export async function applyMigration(migration: Migration, context: Context): Promise<boolean> {
  const { history, locked } = context
  const id = randomUUID()
  const start = async (): Promise<boolean> => {
    const entries = await history.entries()
    refuseFailed(entries)
    if (entries.some(({ name }) => name === migration.name)) return false
    await history.start(id, migration)
    return true
  }
  const finish = async (started: boolean): Promise<boolean> => {
    if (started) await run(migration.script, id, context)
    return started
  }
  try {
    return await locked(async () => await finish(await start()))
  } catch (error) {
    if (!(error instanceof ScriptError) || error.code !== ACTIVE_SQL_TRANSACTION) {
      return await recordFailure(error, migration, { ...context, id })
    }
  }
  // Without a transaction, then. The committed start keeps others away, who take it for a failure. A lock held meanwhile
  // would not do: CREATE INDEX CONCURRENTLY waits for all older transactions, and so for those that wait for the lock.
  try {
    return await finish(await locked(start))
  } catch (error) {
    return await recordFailure(error, migration, { ...context, id })
  }
}
