import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'

/** A directory under `prisma/migrations`. */
export interface Migration {
  name: string
  script: string
}

/** A row of the table that is not marked as rolled back. `logs` is the error of a failed migration. */
export interface MigrationEntry {
  name: string
  checksum: string
  startedAt: string
  finished: boolean
  logs: string | null
}

// Identical to the table of Prisma's engine, so that either can create it.
const TABLE = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
  )`

/** Prisma's checksum of a script: SHA-256 in hexadecimal. */
export const checksum = (script: string): string => createHash('sha256').update(script).digest('hex')

export type MigrationHistory = ReturnType<typeof createMigrationHistory>

/**
 * The table `_prisma_migrations`: the migrations that were applied to this database. Its rows mean the same
 * as those of Prisma's engine.
 */
export function createMigrationHistory(client: ClientBase) {
  return {
    async create(): Promise<void> {
      await client.query(TABLE)
    },

    /** All entries except those marked as rolled back, which have no effect. */
    async entries(): Promise<MigrationEntry[]> {
      const { rows } = await client.query<MigrationEntry>(`
        SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs,
          to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS "startedAt"
        FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`)
      return rows
    },

    async start(id: string, { name, script }: Migration): Promise<void> {
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at)
         VALUES ($1, $2, $3, clock_timestamp())`,
        [id, checksum(script), name]
      )
    },

    /** @returns false when the entry of `start` is gone */
    async finish(id: string): Promise<boolean> {
      const { rowCount } = await client.query(
        `UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1
         WHERE id = $1`,
        [id]
      )
      return rowCount === 1
    },

    /**
     * Records a failure: an entry without `finished_at`. The entry of `start` may have been rolled back with
     * the script.
     */
    async fail(id: string, { name, script }: Migration, logs: string): Promise<void> {
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at)
         VALUES ($1, $2, $3, $4, clock_timestamp())
         ON CONFLICT (id) DO UPDATE SET logs = excluded.logs`,
        [id, checksum(script), name, logs]
      )
    }
  }
}
