import { access, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { startPostgres, type Postgres } from '../../src/dev/postgres.ts'
import { deployMigrations } from '../../src/server/database/migrations/deploy.ts'

const { devDependencies } = createRequire(import.meta.url)('../../package.json') as {
  devDependencies: Record<string, string>
}
const VERSION = devDependencies['@electric-sql/pglite']

async function migrate(dataDir: string) {
  const postgres = await startPostgres({ dataDir })
  try {
    await deployMigrations(postgres.url)
  } finally {
    await postgres.close()
  }
}

async function dump(dataDir: string): Promise<Buffer> {
  const db = await PGlite.create(dataDir)
  try {
    const tar = await db.dumpDataDir('none')
    return Buffer.from(await tar.arrayBuffer())
  } finally {
    await db.close()
  }
}

// tap runs test files at the same time: each builds in a place of its own, and the rename makes the result appear whole.
async function build(snapshot: string) {
  const workplace = await mkdtemp(`${snapshot}-`)
  try {
    const dataDir = join(workplace, 'data')
    await migrate(dataDir)
    await writeFile(join(workplace, 'tar'), await dump(dataDir))
    await rename(join(workplace, 'tar'), snapshot)
  } finally {
    await rm(workplace, { recursive: true })
  }
}

/** An embedded database in memory, so that a test that is killed leaves nothing behind. */
export async function startEmbeddedDatabase(hash: string): Promise<Postgres> {
  const snapshot = join(tmpdir(), `harmony-helper-test-${userInfo().uid}-${VERSION}-${hash}.tar`)
  const missing = await access(snapshot).then(
    () => false,
    () => true
  )
  if (missing) await build(snapshot)
  return await startPostgres({ snapshot })
}
