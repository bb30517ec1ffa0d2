import { ConfigurationFault } from '../../errors.ts'
import type { DatabaseFacts } from './database-facts.ts'

/**
 * A role that neither owns the tables nor bypasses their row level security sees no rows, without any error.
 * Migrations need the owner, and the right to create tables.
 */
export function checkRole(
  { role, currentSchema, mayCreate, tables }: DatabaseFacts,
  { isDeploying }: { isDeploying: boolean }
): ConfigurationFault | undefined {
  const table = tables.find(
    ({ isOwned, isAllowed, hidesRows }) => hidesRows || !isAllowed || (isDeploying && !isOwned)
  )
  if (table?.isOwned && table.hidesRows) {
    return fault(
      `The table ${table.name} hides its rows from its owner ${role}: ` +
        `run ALTER TABLE ${table.name} NO FORCE ROW LEVEL SECURITY`
    )
  }
  if (table) {
    return fault(
      `The role ${role} is not the owner of the table ${table.name}: connect as ${table.owner} in DATABASE_URL, ` +
        `or run GRANT ${table.owner} TO ${role}`
    )
  }
  if (isDeploying && currentSchema !== null && !mayCreate) {
    return fault(
      `The role ${role} may not create tables in the schema ${currentSchema}: ` +
        `run GRANT CREATE ON SCHEMA ${currentSchema} TO ${role}`
    )
  }
  return undefined
}

const fault = (sentence: string) => new ConfigurationFault('role_not_owner', sentence)
