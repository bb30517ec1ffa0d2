import type { ConfigurationFault } from '../../errors.ts'
import type { RunSql } from '../../database/migrations/deploy.ts'
import { findDatabaseFacts } from './database-facts.ts'
import { checkEncoding } from './encoding.ts'
import { checkMigrations } from './migrations.ts'
import { checkRole } from './role.ts'
import { checkSchema } from './schema.ts'
import { checkTimeZone } from './time-zone.ts'

type Expected = {
  /** Schema that Prisma's models use. */
  schema: string
  /** Names of this release's migrations. */
  migrations: string[]
  /** DEFAULT_TIME_ZONE. */
  timeZone: string
}

/**
 * Looks for what makes the database unfit for this server: its requests would fail, hide rows or lose what
 * they store.
 * @returns the first fault is the cause of the others, where they are related
 */
export async function findDatabaseFaults(
  run: RunSql,
  { schema, migrations, timeZone }: Expected
): Promise<ConfigurationFault[]> {
  const facts = await findDatabaseFacts(run)
  const faults = [
    checkEncoding(facts),
    checkSchema(facts, { schema, isDeploying: false }),
    checkRole(facts, { isDeploying: false })
  ].filter((fault) => fault !== undefined)
  // The history cannot be read, or is that of other tables.
  if (faults.some(({ code }) => code !== 'encoding_not_utf8')) return faults
  return [
    ...faults,
    await checkMigrations(run, facts, migrations),
    await checkTimeZone(run, timeZone)
  ].filter((fault) => fault !== undefined)
}

/** Looks for what makes a database unfit for the migrations. */
export async function findDeploymentFaults(
  run: RunSql,
  { schema }: { schema: string }
): Promise<ConfigurationFault[]> {
  const facts = await findDatabaseFacts(run)
  return [
    checkEncoding(facts),
    checkSchema(facts, { schema, isDeploying: true }),
    checkRole(facts, { isDeploying: true })
  ].filter((fault) => fault !== undefined)
}
