import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { runFiguresReconciliation } from '../../../src/server/reconcile/figures-command-line.ts'
import { build, startServices } from '../../helpers/app.ts'
import { query } from '../../helpers/scratch-database.ts'

const services = await startServices(t)
const { as, database } = await build(t, { services })
const DAY = 24 * 3_600_000

/** A user with a streak of three days and an older session. */
async function practising() {
  const who = as(`auth0|${randomUUID()}`)
  const { id } = (await who.sync({ timeZone: 'Europe/Berlin' })).json<User>()
  for (const days of [9, 2, 1, 0]) {
    await who.save({ date: new Date(Date.now() - days * DAY).toISOString(), xmlContent: '<score/>' })
  }
  return { who, id }
}

const set = (id: string, assignments: string) =>
  query(database.url, `UPDATE users SET ${assignments} WHERE id = '${id}'`)

const figuresOf = async (id: string) =>
  (
    await query<Record<string, unknown>>(
      database.url,
      `SELECT streak_count, last_practice_date, total_seconds, session_count, text_bytes, recordings_bytes, figures_zone
       FROM users WHERE id = '${id}'`
    )
  )[0]

async function reconcile(...args: string[]) {
  const lines: string[] = []
  const print = (line: string) => {
    lines.push(line)
  }
  const out = { log: print, error: print }
  const code = await runFiguresReconciliation({
    args,
    env: services.env,
    signal: new AbortController().signal,
    out
  })
  return { code, lines }
}

t.test(
  'figures that are right, not counted yet, or older than a session that became due are no finding',
  async (t) => {
    const [, uncounted, unknown, due] = [
      await practising(),
      await practising(),
      await practising(),
      await practising()
    ]
    await set(uncounted.id, 'total_seconds = NULL')
    await set(unknown.id, 'figures_zone = NULL, streak_count = 77')
    // As if the newest session had lain in the future when the streak was counted.
    await query(
      database.url,
      `UPDATE users SET streak_count = 2, last_practice_date = (
    SELECT max(date) FROM sessions WHERE user_id = users.id AND date < users.last_practice_date) WHERE id = '${due.id}'`
    )
    t.strictSame(await reconcile(), {
      code: 0,
      lines: ['4 users checked, 0 mended, 0 left with wrong figures.']
    })
  }
)

t.test('wrong figures are reported, and counted again with --mend', async (t) => {
  const cases: Array<[wrong: string, kind: string]> = [
    ['total_seconds = total_seconds + 1', 'sums'],
    ['session_count = 0', 'sums'],
    ['text_bytes = 1', 'sums'],
    ['recordings_bytes = 1', 'sums'],
    ['streak_count = 2', 'streak'],
    ['streak_count = 0', 'streak'],
    ["last_practice_date = last_practice_date - interval '1 hour'", 'streak'],
    ['last_practice_date = NULL', 'streak'],
    ['session_count = 0, streak_count = 4', 'sums and streak']
  ]
  for (const [wrong, kind] of cases) {
    const { id } = await practising()
    const right = await figuresOf(id)
    await set(id, wrong)
    t.strictSame(await reconcile('--from', id), {
      code: 1,
      lines: [`found wrong figures (${kind}) of user ${id}`, (await reconcile('--from', id)).lines.at(-1)]
    })
    t.notSame(await figuresOf(id), right, 'it is only reported')
    const mended = await reconcile('--mend', '--from', id)
    t.match(mended, {
      code: 0,
      lines: [`mended wrong figures (${kind}) of user ${id}`, / 1 mended, 0 left /]
    })
    t.strictSame(await figuresOf(id), right)
  }
})

t.test('a streak that ended may be stored as its length or as 0', async (t) => {
  const who = as(`auth0|${randomUUID()}`)
  const { id } = (await who.sync()).json<User>()
  await who.save({ date: new Date(Date.now() - 5 * DAY).toISOString() })
  for (const streak of [1, 0]) {
    await set(id, `streak_count = ${streak}`)
    t.equal((await reconcile()).code, 0)
  }
  await set(id, 'streak_count = 2')
  t.equal((await reconcile('--mend')).code, 0)
  t.equal((await reconcile()).code, 0)
})

t.test('a failure gives exit code 2 and one message; --help does nothing', async (t) => {
  t.match(await reconcile('--from', 'clara'), { code: 2, lines: [/--from must be the id of a user/] })
  t.match(await reconcile('--delete'), { code: 2, lines: [/--delete/] })
  t.match(await reconcile('--help'), { code: 0, lines: [/--mend[^]*--from[^]*Exit code: 0/] })
})
