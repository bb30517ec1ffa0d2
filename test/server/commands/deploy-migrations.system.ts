import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runTypescript } from '../../../scripts/run-typescript.ts'
import { needsRealServer, query, scratchDatabase } from '../../helpers/scratch-database.ts'

const command = fileURLToPath(new URL('../../../src/server/commands/deploy-migrations.ts', import.meta.url))

async function deploy(databaseUrl?: string) {
  const { PATH } = process.env
  const child = spawn(process.execPath, [...runTypescript, command], {
    env: { PATH, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) }
  })
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { output, errors, code }
}

t.test('the command prints the applied migrations, and on the second run that there were none', async (t) => {
  const { url } = await scratchDatabase(t)
  t.match(await deploy(url), {
    code: 0,
    errors: '',
    output: /^Applied \d{14}_init\n(Applied .*\n)*The database is up to date: \d+ applied\n$/
  })
  t.same(await deploy(url), { code: 0, errors: '', output: 'The database is up to date\n' })
})

t.test('a failure is one line without the password', async (t) => {
  const urls: Array<[url: string | undefined, message: RegExp]> = [
    [undefined, /DATABASE_URL is not set/],
    ['', /DATABASE_URL is not set/],
    ['mysql://user:hush-hush@127.0.0.1/x', /not a PostgreSQL URL/],
    ['postgres:hush-hush', /not a PostgreSQL URL/],
    ['"postgresql://user:hush-hush@127.0.0.1/x"', /DATABASE_URL has quotation marks/],
    ['postgresql://user:hush-hush#@127.0.0.1/x', /DATABASE_URL has a #.*# as %23/],
    ['postgresql://user:hush-hush@127.0.0.1:1/x', /ECONNREFUSED/],
    ['postgresql://user:hush-hush@localhost:1/x', /ECONNREFUSED/]
  ]
  for (const [url, message] of urls) {
    const { code, output, errors } = await deploy(url)
    t.equal(code, 1)
    t.equal(output, '')
    t.match(errors, message)
    t.match(errors, /^Migration failed: [^\n]+\n$/)
    t.notMatch(errors, /hush/)
  }
})

t.test('a database that is unfit is refused with one sentence, and nothing is changed', async (t) => {
  const { url } = await scratchDatabase(t)
  const elsewhere = new URL(url)
  elsewhere.searchParams.set('schema', 'harmony')
  t.match(await deploy(elsewhere.href), {
    code: 1,
    output: '',
    errors: /^Migration failed: The search path of the role .*ALTER ROLE [^\n]+\n$/
  })
  t.strictSame(await query(url, "SELECT FROM pg_tables WHERE schemaname = 'public'"), [])
})

t.test('a refused login is named', { skip: needsRealServer }, async (t) => {
  const { url } = await scratchDatabase(t)
  t.match(await deploy(url.replace(/[^/]+$/, 'no-such-database')), {
    code: 1,
    errors: /^Migration failed: The database of DATABASE_URL does not exist[^\n]+\n$/
  })
})
