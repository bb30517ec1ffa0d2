import pg from 'pg'

// Prisma's own key, so that its CLI and this exclude each other.
const KEY = 72707369
const LOCK_NOT_AVAILABLE = '55P03'

/** Runs `work` in a transaction that nobody else migrates beside. */
export type MigrationLock = <T>(work: () => Promise<T>) => Promise<T>

async function acquire(client: pg.Client, timeoutMs: number): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${Math.max(1, Math.trunc(timeoutMs))}`)
  await client.query('SELECT pg_advisory_xact_lock($1)', [KEY]).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error
    throw new Error(
      `Somebody else has been migrating this database for ${timeoutMs / 1000} s (advisory lock ${KEY} is held): let that end, then try again`
    )
  })
  // Hosted databases limit statements to minutes; building an index may need more.
  await client.query('SET LOCAL lock_timeout TO DEFAULT; SET LOCAL statement_timeout = 0')
}

/**
 * The lock belongs to the transaction, not to the session as Prisma's does: behind a transaction-mode pooler (Supabase's
 * port 6543) a session's lock would stay with the pooled connection for ever. The two still exclude each other.
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
      // A lost connection has rolled back already.
      await client.query('ROLLBACK').catch(() => {})
      throw error
    }
  }
}
