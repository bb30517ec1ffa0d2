import type { RunSql } from '../../database/migrations/deploy.ts'
import { databaseTables } from '../../database/tables.ts'

/** What PostgreSQL says of one of our tables, to the role of the connection. */
type TableFacts = {
  name: string
  schema: string
  owner: string
  /** Whether the role is the owner, or has the owner's rights. */
  isOwned: boolean
  /** Whether row level security applies to the role. */
  hidesRows: boolean
  /** Whether the role may read and write it. */
  isAllowed: boolean
}

export type DatabaseFacts = {
  encoding: string
  role: string
  searchPath: string
  /** Schema in which the role creates tables; null when the search path names none that it may use. */
  currentSchema: string | null
  mayCreate: boolean
  /** Those of our tables that the search path finds. */
  tables: TableFacts[]
}

const FACTS = `
  SELECT current_setting('server_encoding') AS encoding, current_user AS role,
    current_setting('search_path') AS "searchPath", current_schema() AS "currentSchema",
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS "mayCreate",
    coalesce((
      SELECT json_agg(json_build_object(
        'name', name,
        'schema', nspname,
        'owner', pg_get_userbyid(relowner),
        'isOwned', pg_has_role(relowner, 'USAGE'),
        'hidesRows', row_security_active(pg_class.oid),
        'isAllowed', has_table_privilege(pg_class.oid, 'SELECT') AND (name = '_prisma_migrations' OR
          has_table_privilege(pg_class.oid, 'INSERT') AND has_table_privilege(pg_class.oid, 'UPDATE')
          AND has_table_privilege(pg_class.oid, 'DELETE'))
      ) ORDER BY name)
      FROM unnest($1::text[]) AS name
        JOIN pg_class ON pg_class.oid = to_regclass(name)
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    ), '[]') AS tables`

/** Asks PostgreSQL for what the checks of the database need: one statement, which reads the catalogue only. */
export async function findDatabaseFacts(run: RunSql): Promise<DatabaseFacts> {
  const [facts] = await run<DatabaseFacts>(FACTS, [databaseTables])
  if (!facts) throw new Error('PostgreSQL has answered without a row')
  return facts
}
