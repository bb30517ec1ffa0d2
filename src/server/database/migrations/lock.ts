import pg from 'pg'

// The key of Prisma's CLI, so that the two exclude each other.
const KEY = 72707369
const LOCK_NOT_AVAILABLE = '55P03'

/** Runs `work` in a transaction that holds the migration lock. */
export type MigrationLock = <T>(work: () => Promise<T>) => Promise<T>

async function acquire(client: pg.Client, timeoutMs: number): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${Math.max(1, Math.trunc(timeoutMs))}`)
  await client.query('SELECT pg_advisory_xact_lock($1)', [KEY]).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error
    throw new Error(
      `Another process has been migrating this database for ${timeoutMs / 1000} s ` +
        `(it holds advisory lock ${KEY}). Wait for it and retry`
    )
  })
  // Hosted databases limit statements to minutes. Building an index can take longer.
  await client.query('SET LOCAL lock_timeout TO DEFAULT; SET LOCAL statement_timeout = 0')
}

/**
 * Creates a lock that belongs to the transaction. Prisma's lock belongs to the session: behind a
 * transaction-mode pooler (Supabase's port 6543) it would stay with the pooled connection for ever. The two
 * locks still exclude each other.
 */
export function createMigrationLock(client: pg.Client, timeoutMs: number): MigrationLock {
  return async (work) => {
    await client.query('BEGIN')
    try {
      await acquire(client, timeoutMs)
      const result = await work()
      await client.query('COMMIT')
      return result
    } catch (error) {
      // A lost connection has already rolled back.
      await client.query('ROLLBACK').catch(() => {})
      throw error
    }
  }
}
