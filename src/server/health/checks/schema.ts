import { databaseTables } from '../../database/tables.ts'
import { ConfigurationFault } from '../../errors.ts'
import type { DatabaseFacts } from './database-facts.ts'

type Expected = {
  /** Schema that Prisma's models use: that of `?schema=`, or `public`. */
  schema: string
  /** Whether tables are about to be created. */
  isDeploying: boolean
}

/**
 * Prisma's models name their schema, and raw SQL and the migrations follow the search path of the role. Both
 * must be the same schema.
 */
export function checkSchema(facts: DatabaseFacts, expected: Expected): ConfigurationFault | undefined {
  const { role, searchPath, currentSchema, tables } = facts
  const used = tables.map((table) => table.schema)
  if (expected.isDeploying || tables.length < databaseTables.length) used.push(currentSchema ?? '')
  const wrong = used.find((schema) => schema !== expected.schema)
  if (wrong === undefined) return undefined
  return new ConfigurationFault(
    'schema_mismatch',
    wrong === ''
      ? `The search path of the role ${role} (${searchPath}) names no schema that it may use: create the schema ` +
          `${expected.schema}, or run ALTER ROLE ${role} SET search_path = ${expected.schema}`
      : `The search path of the role ${role} (${searchPath}) leads to the schema ${wrong}, and DATABASE_URL to ` +
          `${expected.schema}: add ?schema=${wrong} to DATABASE_URL, or run ` +
          `ALTER ROLE ${role} SET search_path = ${expected.schema}`
  )
}
