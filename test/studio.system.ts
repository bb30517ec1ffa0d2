/** Prisma Studio beside a running server, as `npm run db:studio` starts it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { build } from './helpers/app.ts'
import { findFreePort } from './helpers/free-port.ts'

const root = new URL('../', import.meta.url)

t.setTimeout(120_000)

t.test('Studio shows and changes what a running server has stored', async (t) => {
  const { as, database } = await build(t)
  const clara = as('auth0|clara')
  await clara.sync()
  const { id } = (await clara.save()).json<{ id: string }>()
  const studio = await startStudio(t, database.url)

  t.match(await (await fetch(studio)).text(), '__STUDIO_CONFIG__')
  const rows = await ask(studio, `SELECT song_name FROM sessions WHERE id = '${id}'`)
  t.strictSame(rows, [{ song_name: 'Ode to Joy' }])

  t.equal((await clara.save({ songName: 'Träumerei' })).statusCode, 201, 'the server goes on')
  await ask(studio, `UPDATE sessions SET duration_seconds = 600 WHERE id = '${id}'`)
  t.match((await clara.get(id)).json(), { durationSeconds: 600 })
  t.match((await clara.stats()).json(), { total_minutes: 11, streak: 1 }, 'the figures are right')
})

/** @returns its URL */
async function startStudio(t: Test, databaseUrl: string): Promise<string> {
  const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'))
  const [, ...args] = (scripts['db:studio'] as string).split(' ')
  const studio = spawn(process.execPath, [...args, '--port', String(await findFreePort())], {
    cwd: fileURLToPath(root),
    env: { PATH: process.env['PATH'], HOME: t.testdir(), CI: 'true', DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(studio, 'exit')
  t.teardown(async () => {
    studio.kill('SIGKILL')
    await exited
  })
  for await (const line of createInterface({ input: studio.stdout })) {
    const [url] = /http:\/\/localhost:\d+/.exec(line) ?? []
    if (url) return url
  }
  throw new Error('Studio has ended')
}

/** Asks as the page of Studio does. */
async function ask(studio: string, sql: string): Promise<unknown> {
  const answer = await fetch(`${studio}/bff`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ procedure: 'query', query: { sql, parameters: [] } })
  })
  const [error, rows] = (await answer.json()) as [unknown, unknown]
  if (error) throw new Error(JSON.stringify(error))
  return rows
}
