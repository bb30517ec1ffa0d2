import { query } from './scratch-database.ts'

const tables =
  "SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

/**
 * Describes tables, constraints, indexes and policies of the schema `public`, one line each, sorted, to
 * compare.
 */
export async function describeCatalogue(url: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    url,
    `
    WITH tables AS (${tables})
    SELECT format('%s.%s %s null:%s default:%s', relname, attname, format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid)) AS line
      FROM tables JOIN pg_attribute ON attrelid = oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(pg_constraint.oid)) FROM pg_constraint JOIN tables ON conrelid = tables.oid
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('%s rls:%s forced:%s acl:%s', relname, relrowsecurity, relforcerowsecurity, relacl) FROM pg_class WHERE oid IN (SELECT oid FROM tables)
    UNION ALL SELECT format('%s policy %s', tablename, policyname) FROM pg_policies WHERE schemaname = 'public'
    ORDER BY line`
  )
  return rows.map(({ line }) => line)
}
