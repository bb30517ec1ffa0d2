import { access, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { serialize } from 'node:v8'
import { startPostgres } from '../../src/dev/postgres.ts'

const { devDependencies } = createRequire(import.meta.url)('../../package.json') as {
  devDependencies: Record<string, string>
}
const VERSION = devDependencies['@electric-sql/pglite']
/** Version of the files that `pack` writes, which are kept for later runs. */
const FORMAT = 2

// The databases template1 and template0, whose object ids are fixed (pg_database.dat). No connection opens
// them, and they are half of the files to copy.
const isUnused = (path: string): boolean => /^base\/[14]\/./.test(path)

/**
 * Reads a data directory into what the worker copies. Its database was shut down, so that copies need no
 * recovery.
 */
async function pack(dataDir: string): Promise<Buffer> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
  const pathOf = (entry: (typeof entries)[number]) => join(entry.parentPath, entry.name)
  const inside = (path: string) => relative(dataDir, path)
  const directories = entries.filter((entry) => entry.isDirectory()).map((entry) => inside(pathOf(entry)))
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile() && !isUnused(inside(pathOf(entry))))
      .map(async (entry) => [inside(pathOf(entry)), await readFile(pathOf(entry))])
  )
  return serialize({ directories: directories.sort(), files })
}

// Test processes build at the same time: each in its own directory, and the rename publishes a complete file.
async function build(template: string, prepare: (url: string) => Promise<unknown>) {
  const workplace = await mkdtemp(`${template}-`)
  try {
    const dataDir = join(workplace, 'data')
    const postgres = await startPostgres({ dataDir })
    await prepare(postgres.url).finally(() => postgres.close())
    await writeFile(join(workplace, 'packed'), await pack(dataDir))
    await rename(join(workplace, 'packed'), template)
  } finally {
    await rm(workplace, { recursive: true })
  }
}

/** The file that holds the template `name`; built on first use and kept for later runs. */
export async function embeddedTemplate(
  name: string,
  prepare: (url: string) => Promise<unknown>
): Promise<string> {
  const template = join(tmpdir(), `harmony-helper-test-${userInfo().uid}-${VERSION}-${FORMAT}-${name}`)
  const isMissing = await access(template).then(
    () => false,
    () => true
  )
  if (isMissing) await build(template, prepare)
  return template
}
