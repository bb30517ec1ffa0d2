import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-03-10T12:00:00Z')
const { as, database } = await build(t, { now: () => NOW })

type Row = { streak_count: number; last_practice_date: Date | null }

const storedStreak = async (sub: string) =>
  (
    await query<Row>(
      database.url,
      `SELECT streak_count, last_practice_date FROM users WHERE auth0_id = '${sub}'`
    )
  )[0]

t.test('the first sync creates the user and answers 201 with the whole user', async (t) => {
  const before = Date.now()
  const response = await as('auth0|first').sync({
    picture: 'https://cdn.example.com/clara.png',
    timeZone: 'Europe/Berlin'
  })
  t.equal(response.statusCode, 201)
  const { id, created_at: createdAt, ...user } = response.json<User>()
  t.match(id, /^[0-9a-f]{8}-/)
  t.match(createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  t.ok(Math.abs(Date.parse(createdAt) - before) < 60_000, 'created just now')
  t.strictSame(user, {
    auth0_id: 'auth0|first',
    email: 'clara@example.com',
    name: 'Clara',
    picture: 'https://cdn.example.com/clara.png',
    time_zone: 'Europe/Berlin',
    streak_count: 0,
    last_practice_date: null
  })
})

t.test('the next sync answers 200 and updates the fields that were sent', async (t) => {
  const clara = as('auth0|next')
  const first = (await clara.sync()).json<User>()
  const response = await clara.sync({
    email: 'robert@example.org',
    name: 'Róbert 🎹',
    picture: 'https://x.example/p',
    timeZone: 'Asia/Tokyo'
  })
  t.equal(response.statusCode, 200)
  t.strictSame(response.json(), {
    ...first,
    email: 'robert@example.org',
    name: 'Róbert 🎹',
    picture: 'https://x.example/p',
    time_zone: 'Asia/Tokyo'
  })
})

t.test('absent fields keep their values, and null clears them', async (t) => {
  const clara = as('auth0|kept')
  const first = (await clara.sync({ picture: 'https://x.example/p', timeZone: 'Asia/Tokyo' })).json<User>()
  t.strictSame((await clara.sync()).json(), first)
  const cleared = { ...first, name: null, picture: null, time_zone: null }
  t.strictSame((await clara.sync({ name: null, picture: null, timeZone: null })).json(), cleared)
})

t.test('an empty picture counts as null', async (t) => {
  t.equal((await as('auth0|no-picture').sync({ picture: '' })).json<User>().picture, null)
})

t.test('the email is stored as sent, and two users may have the same one', async (t) => {
  for (const sub of ['auth0|a', 'google-oauth2|b']) {
    const response = await as(sub).sync({ email: 'Not.Verified+tag@EXAMPLE.com' })
    t.equal(response.statusCode, 201)
    t.equal(response.json<User>().email, 'Not.Verified+tag@EXAMPLE.com')
  }
})

t.test("an auth0_id other than the token's sub is refused, and nothing is written", async (t) => {
  const mallory = as('auth0|mallory')
  isProblem(t, await mallory.sync({ auth0_id: 'auth0|first' }), 'not_your_account')
  isProblem(t, await mallory.sync({ auth0_id: 'AUTH0|MALLORY' }), 'not_your_account')
  t.equal(await storedStreak('auth0|mallory'), undefined)
})

t.test("only auth0_id names the user: the frontend's `sub` does not", async (t) => {
  const clara = as('auth0|alias')
  const body = { email: 'clara@example.com', sub: clara.sub }
  isProblem(t, await clara.call('POST', '/api/users/sync', body), 'invalid_input', '/auth0_id')
})

t.test('time_zone, the name in the answer, is accepted for timeZone, which takes precedence', async (t) => {
  const clara = as('auth0|answer')
  const zoneAfter = async (fields: Record<string, unknown>) =>
    (await clara.sync(fields)).json<User>().time_zone
  t.equal(await zoneAfter({ time_zone: 'Asia/Tokyo' }), 'Asia/Tokyo')
  t.equal(await zoneAfter({ time_zone: 'Asia/Tokyo', timeZone: 'Europe/Berlin' }), 'Europe/Berlin')
  t.equal(await zoneAfter({}), 'Europe/Berlin')
})

t.test('a sub may have 255 characters, not only ASCII', async (t) => {
  const sub = `samlp|Zürich\\' "🎻" ${'x'.repeat(255)}`.slice(0, 255)
  const clara = as(sub)
  t.equal((await clara.sync()).json<User>().auth0_id, sub)
  t.equal((await clara.save()).statusCode, 201)
  t.equal((await clara.list()).json<unknown[]>().length, 1)
})

t.test('a user without an e-mail address can sync and save, and the answer has null', async (t) => {
  const clara = as('sms|1')
  const sync = () => clara.call('POST', '/api/users/sync', { auth0_id: clara.sub, name: '+1555' })
  const first = await sync()
  t.equal(first.statusCode, 201)
  t.match(first.json(), { email: null, name: '+1555' })
  t.equal((await clara.save()).statusCode, 201)
  t.equal((await clara.sync({ email: 'clara@example.com' })).json<User>().email, 'clara@example.com')
  for (const email of [undefined, null, '', ' ', 7]) {
    t.equal(
      (await clara.sync({ email })).json<User>().email,
      'clara@example.com',
      'an e-mail is never cleared'
    )
  }
})

t.test('a value that cannot be used keeps the stored one', async (t) => {
  const clara = as('auth0|lenient')
  const stored = { picture: 'https://x.example/p', timeZone: 'Asia/Tokyo' }
  const first = (await clara.sync(stored)).json<User>()
  const unusable = {
    email: 'a\0b',
    name: { first: 'Clara' },
    picture: 'data:,x',
    timeZone: 'Mars/Olympus_Mons'
  }
  const second = await clara.sync(unusable)
  t.equal(second.statusCode, 200)
  t.strictSame(second.json(), first)
  t.equal((await as('auth0|lenient-first').sync(unusable)).statusCode, 201, 'also when nothing is stored')
})

t.test('a new time zone changes the streak, in the answer and in the table', async (t) => {
  const clara = as('auth0|moves')
  await clara.sync()
  for (const date of ['2026-03-08T20:00:00Z', '2026-03-10T00:30:00Z']) await clara.save({ date })
  t.match(await storedStreak(clara.sub), {
    streak_count: 1,
    last_practice_date: new Date('2026-03-10T00:30:00Z')
  })

  const moved = await clara.sync({ timeZone: 'America/New_York' })
  t.match(moved.json(), { streak_count: 2, last_practice_date: '2026-03-10T00:30:00.000Z' })
  t.match(await storedStreak(clara.sub), { streak_count: 2 })

  t.match((await clara.sync({ timeZone: null })).json(), { streak_count: 1 })
})

t.test('fifty concurrent first calls create one row and all succeed', async (t) => {
  const clara = as('auth0|fifty')
  const answers = await Promise.all(Array.from({ length: 50 }, () => clara.sync()))
  const statuses = answers.map(({ statusCode }) => statusCode).sort()
  t.strictSame(statuses, [...Array<number>(49).fill(200), 201])
  t.equal(new Set(answers.map((answer) => answer.json<User>().id)).size, 1)
  const [row] = await query<{ count: string }>(
    database.url,
    "SELECT count(*) FROM users WHERE auth0_id = 'auth0|fifty'"
  )
  t.equal(row?.count, '1')
})
