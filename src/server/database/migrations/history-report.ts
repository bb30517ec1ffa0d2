import { checksum, type Migration, type MigrationEntry } from './history.ts'

/** The first line of `text`. */
export const firstLine = (text: string): string => text.split('\n', 1).join()

/** The message for a migration that blocks all others: the problem and its remedy. */
export function describeFailure(name: string, what: string): string {
  return (
    `Migration ${name} ${what}. No migration is applied until you have fixed the cause, removed what it may ` +
    'have left behind, and marked it as rolled back, so that it is applied again: ' +
    'UPDATE _prisma_migrations SET rolled_back_at = now() ' +
    `WHERE migration_name = '${name}' AND finished_at IS NULL; or: npx prisma migrate resolve --rolled-back ${name}`
  )
}

/** @throws {Error} with the remedy, if the history contains a migration that failed or has not finished */
export function throwIfFailed(entries: MigrationEntry[]): void {
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
export function describeDifferences(entries: MigrationEntry[], migrations: Migration[]): string[] {
  return entries.flatMap(({ name, checksum: recorded }) => {
    const migration = migrations.find((candidate) => candidate.name === name)
    if (!migration) {
      return [
        `Warning: migration ${name} was applied to this database but its file is missing. ` +
          'Is this an older version of the program?'
      ]
    }
    if (!matches(migration.script, recorded)) {
      return [
        `Warning: migration ${name} was changed after it was applied. ` +
          'The change has no effect here: put it into a new migration'
      ]
    }
    return []
  })
}

/** Whether the checksum is that of the script. Line endings do not matter, as in Prisma. */
function matches(script: string, recorded: string): boolean {
  const lines = script.replaceAll('\r\n', '\n')
  return [script, lines, lines.replaceAll('\n', '\r\n')].some((variant) => checksum(variant) === recorded)
}
