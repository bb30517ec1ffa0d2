import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { databaseTables } from '../../../../src/server/database/tables.ts'
import { deployMigrations, type RunSql } from '../../../../src/server/database/migrations/deploy.ts'
import { readMigrationNames } from '../../../../src/server/database/migrations/read.ts'
import { schemaOf } from '../../../../src/server/environment/database-url.ts'
import { findDatabaseFaults, findDeploymentFaults } from '../../../../src/server/health/checks/database.ts'
import { startDatabase } from '../../../helpers/database.ts'
import { needsRealServer, query, scratchDatabase } from '../../../helpers/scratch-database.ts'

const migrations = await readMigrationNames()
const server = process.env['TEST_DATABASE_URL'] ?? ''

/** The codes that the server and `db:deploy` find with this URL. */
async function look(url: string, timeZone = 'UTC') {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const run: RunSql = async (text, values) => (await client.query(text, values)).rows
  try {
    const schema = schemaOf(url)
    const [serving, deploying] = [
      await findDatabaseFaults(run, { schema, migrations, timeZone }),
      await findDeploymentFaults(run, { schema })
    ]
    return {
      serving: serving.map(({ code }) => code),
      deploying: deploying.map(({ code }) => code),
      sentences: [...serving, ...deploying].map(({ message }) => message)
    }
  } finally {
    await client.end()
  }
}

function withUser(url: string, user: string): string {
  const changed = new URL(url)
  changed.username = user
  changed.password = 'x'
  return changed.href
}

/** Creates a role that may log in, and drops it with what it owns in this database at the end of the test. */
async function createRole(t: Test, url: string, attributes = ''): Promise<string> {
  const role = `role_${randomUUID().slice(0, 8)}`
  await query(url, `CREATE ROLE ${role} LOGIN PASSWORD 'x' ${attributes}`)
  t.teardown(() => query(server, `DROP ROLE ${role}`))
  t.teardown(() => query(url, `DROP OWNED BY ${role} CASCADE`))
  return role
}

t.test('the list of tables is that of a migrated database', async (t) => {
  const { url } = await startDatabase(t)
  const rows = await query<{ name: string }>(
    url,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`
  )
  t.strictSame(
    rows.map(({ name }) => name),
    databaseTables
  )
})

t.test('a migrated database of the owner has no fault', async (t) => {
  const { url } = await startDatabase(t)
  t.strictSame(await look(url), { serving: [], deploying: [], sentences: [] })
})

t.test('a default time zone that the database does not know is named', async (t) => {
  const { url } = await startDatabase(t)
  t.strictSame((await look(url, 'Europe/Berlin')).serving, [])
  const { serving, sentences } = await look(url, 'Mars/Olympus_Mons')
  t.strictSame(serving, ['time_zone_unknown'])
  t.match(sentences, [
    /^PostgreSQL does not know DEFAULT_TIME_ZONE \(Mars\/Olympus_Mons\): update its zone data/
  ])
})

t.test('migrations that are missing or have failed are named', async (t) => {
  const { url } = await scratchDatabase(t)
  t.match(await look(url), {
    serving: ['migrations_pending'],
    deploying: [],
    sentences: [/^The migration \d+_init is not applied to the database: run npm run db:deploy$/]
  })
  await deployMigrations(url)
  t.strictSame((await look(url)).serving, [])
  const last = migrations.at(-1)
  await query(url, `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${last}'`)
  t.strictSame((await look(url)).serving, ['migration_failed'])
  await query(url, `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL`)
  t.strictSame((await look(url)).serving, ['migrations_pending'])
  await query(
    url,
    `UPDATE _prisma_migrations SET finished_at = now(), rolled_back_at = NULL`,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', '', '20990101000000_later')`
  )
  t.strictSame((await look(url)).serving, [], 'a later release may be migrating')
  await query(url, 'DROP TABLE session_leases')
  t.strictSame((await look(url)).serving, ['table_missing'])
})

t.test('every encoding but UTF8 is refused', { skip: needsRealServer }, async (t) => {
  for (const encoding of ['UTF8', 'SQL_ASCII', 'LATIN1', 'LATIN9', 'WIN1252', 'EUC_JP', 'KOI8R']) {
    const name = `encoding_${encoding.toLowerCase()}_${randomUUID().slice(0, 8)}`
    await query(
      server,
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C'`
    )
    t.teardown(() => query(server, `DROP DATABASE ${name} WITH (FORCE)`))
    const url = new URL(server)
    url.pathname = name
    const { serving, deploying, sentences } = await look(url.href)
    t.strictSame(deploying, encoding === 'UTF8' ? [] : ['encoding_not_utf8'], encoding)
    if (encoding !== 'UTF8') {
      t.equal(serving[0], 'encoding_not_utf8')
      t.match(sentences[0], `The encoding of the database is ${encoding} and cannot be changed`)
    }
  }
})

type Rights = {
  attributes?: string
  /** SQL by the owner; `$role` and `$owner` stand for the two roles. */
  grants?: string[]
  serving: string[]
  deploying: string[]
}

const ALL = ['GRANT ALL ON ALL TABLES IN SCHEMA public TO $role']
const REFUSED = ['role_not_owner']

const rights: Record<string, Rights> = {
  'without any right': { serving: REFUSED, deploying: REFUSED },
  'with every right on the tables': { grants: ALL, serving: REFUSED, deploying: REFUSED },
  'that bypasses row level security': {
    attributes: 'BYPASSRLS',
    grants: ALL,
    serving: [],
    deploying: REFUSED
  },
  'that bypasses row level security without a right': {
    attributes: 'BYPASSRLS',
    serving: REFUSED,
    deploying: REFUSED
  },
  'that may only read': {
    attributes: 'BYPASSRLS',
    grants: ['GRANT SELECT ON ALL TABLES IN SCHEMA public TO $role'],
    serving: REFUSED,
    deploying: REFUSED
  },
  'that may not use one of the tables': {
    attributes: 'BYPASSRLS',
    grants: [...ALL, 'REVOKE DELETE ON session_leases FROM $role'],
    serving: REFUSED,
    deploying: REFUSED
  },
  'where row level security is switched off': {
    grants: [...ALL, ...databaseTables.map((table) => `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`)],
    serving: [],
    deploying: REFUSED
  },
  'that is a member of the owner': {
    grants: ['GRANT $owner TO $role', 'GRANT CREATE ON SCHEMA public TO $owner'],
    serving: [],
    deploying: []
  },
  'that is a member without inheriting': {
    attributes: 'NOINHERIT',
    grants: ['GRANT $owner TO $role'],
    serving: REFUSED,
    deploying: REFUSED
  },
  'that owns the tables': {
    grants: [
      ...databaseTables.map((table) => `ALTER TABLE ${table} OWNER TO $role`),
      'GRANT CREATE ON SCHEMA public TO $role'
    ],
    serving: [],
    deploying: []
  },
  'that owns the tables and may not create any': {
    grants: [
      ...databaseTables.map((table) => `ALTER TABLE ${table} OWNER TO $role`),
      'REVOKE CREATE ON SCHEMA public FROM PUBLIC'
    ],
    serving: [],
    deploying: REFUSED
  },
  'that owns the tables, which hide their rows from it': {
    grants: [
      ...databaseTables.map((table) => `ALTER TABLE ${table} OWNER TO $role`),
      'GRANT CREATE ON SCHEMA public TO $role',
      'ALTER TABLE sessions FORCE ROW LEVEL SECURITY'
    ],
    serving: REFUSED,
    deploying: REFUSED
  },
  'that may not use the schema': {
    attributes: 'BYPASSRLS',
    grants: [...ALL, 'REVOKE USAGE ON SCHEMA public FROM PUBLIC'],
    serving: ['schema_mismatch'],
    deploying: ['schema_mismatch']
  }
}

for (const [what, { attributes, grants = [], serving, deploying }] of Object.entries(rights)) {
  t.test(`a role ${what} is judged`, { skip: needsRealServer }, async (t) => {
    const { url } = await startDatabase(t)
    const owner = await createRole(t, url)
    const role = await createRole(t, url, attributes)
    await query(
      url,
      ...databaseTables.map((table) => `ALTER TABLE ${table} OWNER TO ${owner}`),
      ...grants.map((text) => text.replaceAll('$role', role).replaceAll('$owner', owner))
    )
    const found = await look(withUser(url, role))
    t.strictSame({ ...found, sentences: [] }, { serving, deploying, sentences: [] })
    for (const sentence of found.sentences) {
      t.match(sentence, new RegExp(`${role}.*: .*(run|connect|create) `))
    }
  })
}

type Path = { sql: (name: string) => string[]; parameters?: string; serving: string[]; deploying: string[] }

const MISMATCH = ['schema_mismatch']
const setPath = (path: string) => (name: string) => [`ALTER DATABASE ${name} SET search_path = ${path}`]

const paths: Record<string, Path> = {
  'leads elsewhere': {
    sql: (name) => ['CREATE SCHEMA harmony', ...setPath('harmony')(name)],
    serving: MISMATCH,
    deploying: MISMATCH
  },
  'leads elsewhere first': {
    sql: (name) => ['CREATE SCHEMA harmony', ...setPath('harmony, public')(name)],
    serving: [],
    deploying: MISMATCH
  },
  'leads nowhere': { sql: setPath('harmony'), serving: MISMATCH, deploying: MISMATCH },
  'leads to other tables of the same names': {
    sql: (name) => [
      'CREATE SCHEMA auth',
      'CREATE TABLE auth.users (id uuid)',
      ...setPath('auth, public')(name)
    ],
    serving: MISMATCH,
    deploying: MISMATCH
  },
  'is not that of the URL': {
    sql: () => [],
    parameters: 'schema=harmony',
    serving: MISMATCH,
    deploying: MISMATCH
  },
  'and the URL lead to the same schema': {
    sql: (name) => ['ALTER SCHEMA public RENAME TO harmony', ...setPath('harmony')(name)],
    parameters: 'schema=harmony',
    serving: [],
    deploying: []
  }
}

for (const [what, { sql, parameters = '', serving, deploying }] of Object.entries(paths)) {
  t.test(`a search path that ${what} is judged`, { skip: needsRealServer }, async (t) => {
    const { url } = await startDatabase(t)
    await query(url, ...sql(new URL(url).pathname.slice(1)))
    const found = await look(`${url}?${parameters}`)
    t.strictSame({ ...found, sentences: [] }, { serving, deploying, sentences: [] })
    for (const sentence of found.sentences) {
      t.match(sentence, /^The search path of the role .+: (add|create) /)
    }
  })
}
