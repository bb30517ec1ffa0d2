import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { migrationsDirectory, pendingSql } from './schema-engine.ts'

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
const LONGEST_NAME = 100

/** As Prisma names them: UTC, to the second. */
function directoryName(name: string, now: Date): string {
  return `${now.toISOString().replaceAll(/[-T:]|\..*/g, '')}_${name}`
}

/** Supabase shows the schema `public` to the world: a new table is shut before anybody can look. */
export function lockNewTables(sql: string): string {
  const tables = [...sql.matchAll(/^CREATE TABLE "([^"]+)"/gm)].map(([, table]) => table)
  if (tables.length === 0) return sql
  const names = tables.map((table) => `'"${table}"'`).join(', ')
  return `${sql.trimEnd()}

-- Supabase shows the schema \`public\` to the world: nobody but the owner sees a row of a new table.
${tables.map((table) => `ALTER TABLE "${table}" ENABLE ROW LEVEL SECURITY;`).join('\n')}

DO $$
DECLARE
    visitor text;
    ours text;
BEGIN
    FOR visitor, ours IN
        SELECT rolname, name FROM pg_roles, unnest(ARRAY[${names}]) AS name WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', ours, visitor);
    END LOOP;
END
$$;
`
}

/**
 * Writes the migration that leads from the existing ones to `schema.prisma`, and returns its name; undefined when there
 * is nothing to do. What `prisma migrate dev --create-only` does, without a server and without downloading an engine.
 */
export async function createMigration(
  name: string,
  { directory = migrationsDirectory, now = new Date() } = {}
): Promise<string | undefined> {
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    throw new Error(
      `Not a name for a migration: ${JSON.stringify(name)}. Use lower-case words joined by underscores, such as add_tempo, up to ${LONGEST_NAME} characters`
    )
  }
  const sql = await pendingSql(directory)
  if (sql === '') return undefined
  const migration = directoryName(name, now)
  await mkdir(new URL(`${migration}/`, directory))
  await writeFile(new URL(`${migration}/migration.sql`, directory), lockNewTables(sql))
  return migration
}

async function main(): Promise<void> {
  const {
    values: { name }
  } = parseArgs({ options: { name: { type: 'string' } } })
  if (name === undefined) throw new Error('Usage: npm run db:migrate -- --name add_tempo')
  const migration = await createMigration(name)
  if (migration === undefined) {
    return console.log('The migrations say the same as prisma/schema.prisma: nothing to do')
  }
  console.log(`Wrote prisma/migrations/${migration}/migration.sql
Read it before you commit it, and add by hand what Prisma cannot say: CHECK constraints, moving data.
Row level security for new tables is in it already. To apply it: npm run build && npm run db:deploy`)
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
