import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { migrationsDirectory, pendingSql } from './schema-engine.ts'

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
const MAX_NAME_LENGTH = 100

/** Prisma's naming: UTC time to the second, then the name. */
function directoryName(name: string, now: Date): string {
  return `${now.toISOString().replaceAll(/[-T:]|\..*/g, '')}_${name}`
}

/** Adds row level security for new tables: Supabase exposes the schema `public` through its REST API. */
export function lockNewTables(sql: string): string {
  const tables = [...sql.matchAll(/^CREATE TABLE "([^"]+)"/gm)].map(([, table]) => table)
  if (tables.length === 0) return sql
  const names = tables.map((table) => `'"${table}"'`).join(', ')
  return `${sql.trimEnd()}

-- Supabase exposes the schema \`public\` through its REST API: only the owner may read or write the new tables.
${tables.map((table) => `ALTER TABLE "${table}" ENABLE ROW LEVEL SECURITY;`).join('\n')}

DO $$
DECLARE
    api_role text;
    table_name text;
BEGIN
    FOR api_role, table_name IN
        SELECT rolname, name FROM pg_roles, unnest(ARRAY[${names}]) AS name WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', table_name, api_role);
    END LOOP;
END
$$;
`
}

/**
 * Writes the migration from the existing ones to `schema.prisma`. Returns its name, or undefined when there
 * is no difference. Like `prisma migrate dev --create-only`, but without a server and without downloading an
 * engine.
 */
export async function createMigration(
  name: string,
  { directory = migrationsDirectory, now = new Date() } = {}
): Promise<string | undefined> {
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new Error(
      `Invalid migration name: ${JSON.stringify(name)}. Use lower-case words joined by underscores, such as add_tempo, up to ${MAX_NAME_LENGTH} characters`
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
    return console.log('The migrations match prisma/schema.prisma. No migration was written.')
  }
  console.log(`Wrote prisma/migrations/${migration}/migration.sql
Review it before you commit it. Add by hand what Prisma does not generate: CHECK constraints, data changes.
It includes row level security for new tables. To apply it: npm run build && npm run db:deploy`)
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
