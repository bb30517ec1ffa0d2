import type pg from 'pg'
import { databaseTables } from '../src/server/database/tables.ts'

/** Rows of a table, and a digest of their content that does not depend on their order. */
export type TableDigest = { table: string; rows: number; digest: string }

/** Digests each table of the server. The database adds up the digests of the rows, in constant memory. */
export async function digestTables(client: pg.ClientBase, schema: string): Promise<TableDigest[]> {
  await client.query(`SET LOCAL TimeZone = 'UTC'`) // the text of a time depends on it
  const digests: TableDigest[] = []
  for (const table of databaseTables) {
    const { rows } = await client.query<Omit<TableDigest, 'table'>>(`
      SELECT count(*)::int AS rows,
        coalesce(sum(('x' || left(md5(content::text), 16))::bit(64)::bigint), 0)::text AS digest
      FROM ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)} AS content`)
    digests.push({ table, ...rows[0]! })
  }
  return digests
}

/** @returns one sentence for each table that differs */
export const describeDifferences = (expected: TableDigest[], found: TableDigest[]): string[] =>
  expected.flatMap(({ table, rows, digest }) => {
    const other = found.find((candidate) => candidate.table === table)
    if (!other) return `${table} is missing`
    if (other.rows !== rows) return `${table}: ${other.rows} rows instead of ${rows}`
    return other.digest === digest ? [] : `${table}: the content of its ${rows} rows differs`
  })
