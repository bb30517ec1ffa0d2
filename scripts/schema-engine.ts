import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import { embeddedSession, migrationAdapter, serverSession, type Session } from './schema-engine-adapter.ts'

export const migrationsDirectory = new URL('../prisma/migrations/', import.meta.url)
const schemaFile = new URL('../prisma/schema.prisma', import.meta.url)
const filters = { externalTables: [], externalEnums: [] }

let loading: Promise<void> | undefined

async function load(): Promise<void> {
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message() {} } })
  const entry = import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const bytes = await readFile(new URL('schema_engine_bg.wasm', entry))
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': { ...bindings } })
  bindings.__wbg_set_wasm(instance.exports)
  const { __wbindgen_start: start } = instance.exports
  if (typeof start === 'function') start()
}

/**
 * Runs Prisma's schema engine in its WebAssembly build, which is on npm; the native one must be downloaded
 * from another host. The shadow database is PostgreSQL in memory. Without a URL it also replaces the main
 * database, because `diff` reads only the version from that.
 */
export async function withSchemaEngine<T>(
  databaseUrl: string | undefined,
  use: (engine: bindings.SchemaEngine) => Promise<T>
): Promise<T> {
  await (loading ??= load())
  const sessions: Array<Promise<Session>> = []
  const keep = async (session: Promise<Session>): Promise<Session> => {
    sessions.push(session)
    return await session
  }
  let embedded: Promise<Session> | undefined
  const shadow = async () => await (embedded ??= keep(embeddedSession()))
  const main = databaseUrl === undefined ? shadow : async () => await keep(serverSession(databaseUrl))
  const engine = await bindings.SchemaEngine.new(
    { datamodels: undefined },
    () => {},
    migrationAdapter(main, shadow)
  )
  try {
    return await use(engine)
  } finally {
    engine.free()
    for (const session of sessions) await (await session).close()
  }
}

/** A migrations directory in the engine's format, as Prisma's CLI passes it. */
export async function listMigrations(directory = migrationsDirectory): Promise<bindings.MigrationList> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
  return {
    baseDir: fileURLToPath(directory),
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(new URL('migration_lock.toml', directory), 'utf8').catch(() => null)
    },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (path) => ({
        path,
        migrationFile: {
          path: 'migration.sql',
          content: {
            tag: 'ok' as const,
            value: await readFile(new URL(`${path}/migration.sql`, directory), 'utf8')
          }
        }
      }))
    )
  }
}

/** The SQL from the migrations to `schema.prisma`; empty when they match. */
export async function pendingSql(directory?: URL): Promise<string> {
  const migrations = await listMigrations(directory)
  const schema = { path: fileURLToPath(schemaFile), content: await readFile(schemaFile, 'utf8') }
  const { exitCode, stdout } = await withSchemaEngine(
    undefined,
    async (engine) =>
      await engine.diff({
        from: { tag: 'migrations', ...migrations },
        to: { tag: 'schemaDatamodel', files: [schema] },
        script: true,
        exitCode: true,
        filters
      })
  )
  return exitCode === 0 ? '' : (stdout ?? '')
}

/** Diagnoses a database's migration history, like `prisma migrate status`. */
export async function diagnose(
  databaseUrl: string,
  directory?: URL
): Promise<bindings.DiagnoseMigrationHistoryOutput> {
  const migrationsList = await listMigrations(directory)
  return await withSchemaEngine(
    databaseUrl,
    async (engine) =>
      await engine.diagnoseMigrationHistory({ migrationsList, filters, optInToShadowDatabase: false })
  )
}

/** Like `prisma migrate deploy`. Tests compare it with `deployMigrations`, which production uses. */
export async function applyWithEngine(databaseUrl: string, directory?: URL): Promise<string[]> {
  const migrationsList = await listMigrations(directory)
  return await withSchemaEngine(
    databaseUrl,
    async (engine) => (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames
  )
}
