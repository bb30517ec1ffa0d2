import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'

/** A directory under `prisma/migrations`. */
export interface Migration {
  name: string
  script: string
}

interface Entry {
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

const checksum = (script: string): string => createHash('sha256').update(script).digest('hex')

/** Whether the checksum is that of the script. Line endings do not matter, as in Prisma. */
function matches(script: string, recorded: string): boolean {
  const lines = script.replaceAll('\r\n', '\n')
  return [script, lines, lines.replaceAll('\n', '\r\n')].some((variant) => checksum(variant) === recorded)
}

export type MigrationHistory = ReturnType<typeof createMigrationHistory>

/** The table `_prisma_migrations`, with the semantics of Prisma's engine: the migrations applied to this database. */
export function createMigrationHistory(client: ClientBase) {
  return {
    async create(): Promise<void> {
      await client.query(TABLE)
    },

    /** All entries except those marked as rolled back, which have no effect. */
    async entries(): Promise<Entry[]> {
      const { rows } = await client.query<Entry>(`
        SELECT migration_name AS name, checksum, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS "startedAt",
          finished_at IS NOT NULL AS finished, logs
        FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`)
      return rows
    },

    async start(id: string, { name, script }: Migration): Promise<void> {
      await client.query(
        'INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())',
        [id, checksum(script), name]
      )
    },

    /** @returns false when the entry of `start` is gone */
    async finish(id: string): Promise<boolean> {
      const { rowCount } = await client.query(
        'UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = $1',
        [id]
      )
      return rowCount === 1
    },

    /** Records a failure: an entry without `finished_at`. The entry of `start` may have been rolled back with the script. */
    async fail(id: string, { name, script }: Migration, logs: string): Promise<void> {
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at) VALUES ($1, $2, $3, $4, clock_timestamp())
         ON CONFLICT (id) DO UPDATE SET logs = excluded.logs`,
        [id, checksum(script), name, logs]
      )
    }
  }
}

export const firstLine = (text: string): string => text.split('\n', 1).join()

/** A message with the problem and its remedy. */
export function describeFailure(name: string, what: string): string {
  return (
    `Migration ${name} ${what}. No migration is applied until you have fixed the cause, removed what it may have ` +
    'left behind, and marked it as rolled back, so that it is applied again: ' +
    `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name}' AND finished_at IS NULL; ` +
    `or: npx prisma migrate resolve --rolled-back ${name}`
  )
}

/** Throws while the history holds a migration that failed. */
export function refuseFailed(entries: Entry[]): void {
  const failed = entries.find(({ finished }) => !finished)
  if (!failed) return
  const { name, startedAt, logs } = failed
  throw new Error(
    describeFailure(
      name,
      logs === null
        ? `started at ${startedAt} and has not finished`
        : `failed at ${startedAt}: ${firstLine(logs)}`
    )
  )
}

/** One line for each applied migration that changed or disappeared. */
export function differences(entries: Entry[], migrations: Migration[]): string[] {
  return entries.flatMap(({ name, checksum: recorded }) => {
    const migration = migrations.find((candidate) => candidate.name === name)
    if (!migration) {
      return [
        `Warning: migration ${name} was applied to this database but its file is missing. Is this an older version of the program?`
      ]
    }
    if (!matches(migration.script, recorded)) {
      return [
        `Warning: migration ${name} was changed after it was applied. The change has no effect here: put it into a new migration`
      ]
    }
    return []
  })
}
