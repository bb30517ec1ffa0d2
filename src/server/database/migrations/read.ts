import { readdir, readFile } from 'node:fs/promises'
import type { Migration } from './history.ts'

/** `prisma/migrations` of this package, wherever this module is built to. */
export const migrationsDirectory = new URL('prisma/migrations/', import.meta.resolve('#package.json'))

/** The names of the migrations in a directory, in the order in which they are applied. */
export async function readMigrationNames(directory: URL = migrationsDirectory): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** The migrations in a directory, in the order in which they are applied. */
export async function readMigrations(directory: URL): Promise<Migration[]> {
  const names = await readMigrationNames(directory)
  const read = async (name: string) =>
    await readFile(new URL(`${encodeURIComponent(name)}/migration.sql`, directory), 'utf8')
  return await Promise.all(names.map(async (name) => ({ name, script: await read(name) })))
}
