import { execFile } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { schemaOf } from '../src/server/environment/database-url.ts'

const run = promisify(execFile)
const MAX_OUTPUT = 64 * 1024 * 1024

/** What belongs to a role of the one database is not carried to the other. */
const WITHOUT_ROLES = ['--no-owner', '--no-privileges']

/**
 * Arguments and environment that lead a program of PostgreSQL to a database. The parameters that only Prisma knows are
 * left out; the password is not in the arguments, which other users of the machine can read.
 */
function connectionOf(url: string) {
  const plain = new URL(url)
  for (const name of ['schema', 'pgbouncer', 'connection_limit']) plain.searchParams.delete(name)
  const password = decodeURIComponent(plain.password)
  plain.password = ''
  return {
    dbname: `--dbname=${plain.href}`,
    env: { ...process.env, ...(password && { PGPASSWORD: password }) }
  }
}

/**
 * Dumps the schema of the server with `pg_dump`, as of an exported snapshot.
 * @returns the bytes of the file
 */
export async function dump(
  url: string,
  { file, snapshot }: { file: string; snapshot: string }
): Promise<number> {
  const { dbname, env } = connectionOf(url)
  const what = ['--format=custom', `--schema=${schemaOf(url)}`, `--snapshot=${snapshot}`]
  await run('pg_dump', [...what, ...WITHOUT_ROLES, `--file=${file}`, dbname], { env })
  return (await stat(file)).size
}

/** Restores a dump with `pg_restore`, all of it or nothing. The schema must exist, and be empty. */
export async function restore(
  url: string,
  { file, directory }: { file: string; directory: string }
): Promise<void> {
  const { stdout } = await run('pg_restore', ['--list', file], { maxBuffer: MAX_OUTPUT })
  const list = join(directory, 'list')
  await writeFile(list, stdout.replaceAll(/^.* SCHEMA .*\n/gm, ''))
  const { dbname, env } = connectionOf(url)
  const how = ['--exit-on-error', '--single-transaction', `--use-list=${list}`]
  await run('pg_restore', [...how, ...WITHOUT_ROLES, dbname, file], { env })
}
