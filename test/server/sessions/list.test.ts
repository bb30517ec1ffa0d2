import t from 'tap'
import type { SessionListItem } from '../../../src/contract/session-list.ts'
import type { User } from '../../../src/contract/users.ts'
import { build, type Caller } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const { as, database } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })

async function newcomer(name: string) {
  const who = as(`auth0|${name}`)
  const { id } = (await who.sync()).json<User>()
  return { who, userId: id }
}

/** Inserts sessions directly into the table, with dates that a client cannot send. */
async function insert(userId: string, rows: Record<string, string>) {
  const values = Object.entries(rows).map(
    ([id, date]) => `('${uuid(id)}', '${userId}', 'Ode', 'Piano', 60, '${date}')`
  )
  await query(
    database.url,
    `INSERT INTO sessions (id, user_id, song_name, instrument, duration_seconds, date) VALUES ${values.join()}`
  )
}

const remove = (id: string) => query(database.url, `DELETE FROM sessions WHERE id = '${uuid(id)}'`)

/** Pads a prefix such as `a1` to a UUID. */
const uuid = (short: string) => `${short.padEnd(8, '0')}-0000-4000-8000-000000000000`
const short = ({ id }: { id: string }) => id.slice(0, 8).replace(/0+$/, '')

type Read = { rows: string[]; next: string | undefined }

async function read(who: Caller, url: string): Promise<Read> {
  const response = await who.call('GET', url)
  if (response.statusCode !== 200) throw new Error(response.body)
  const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link ?? '')) ?? []
  return { rows: response.json<SessionListItem[]>().map(short), next }
}

async function readAll(who: Caller, limit: number): Promise<string[][]> {
  const pages = []
  for (let url: string | undefined = `/api/sessions?limit=${limit}`; url;) {
    const { rows, next }: Read = await read(who, url)
    pages.push(rows)
    url = next
  }
  return pages
}

t.test('the list is a bare array of metadata', async (t) => {
  const { who } = await newcomer('shape')
  const saved = (
    await who.save({
      songName: '歓喜の歌',
      duration: 1260.2,
      date: '2026-11-20T10:00:00.5+01:00',
      xmlContent: '<score/>',
      analysis: 'Good',
      audioBase64: (await fixture('recording.webm')).toString('base64')
    })
  ).json<{ id: string; audioUrl: string }>()
  const response = await who.list()
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/json/)
  t.equal(response.headers.link, undefined)
  t.strictSame(response.json(), [
    {
      id: saved.id,
      song_name: '歓喜の歌',
      instrument: 'Piano',
      date: '2026-11-20T09:00:00.500Z',
      duration_seconds: 1260,
      audio_url: saved.audioUrl,
      score_accuracy: null
    }
  ])
})

t.test('the list is empty for a user without sessions and for one who was never synced', async (t) => {
  const { who } = await newcomer('empty')
  for (const caller of [who, as('auth0|stranger')]) {
    for (const query of ['', '?limit=5']) {
      const response = await caller.list(query)
      t.equal(response.body, '[]')
      t.equal(response.headers.link, undefined)
    }
  }
})

t.test('the list is sorted newest first, and by id where dates are equal', async (t) => {
  const { who, userId } = await newcomer('order')
  await insert(userId, {
    b2: '2026-11-20T10:00:00Z',
    b1: '2026-11-20T10:00:00Z',
    a9: '2026-11-19T10:00:00Z',
    c3: '2026-11-20T10:00:00.000001Z',
    ff: '1899-12-31T12:00:00Z',
    a0: '2026-11-20T10:00:00Z',
    d4: '2027-01-01T00:00:00Z'
  })
  const order = ['d4', 'c3', 'a', 'b1', 'b2', 'a9', 'ff']
  t.strictSame((await read(who, '/api/sessions')).rows, order)
  for (const limit of [1, 2, 3, 6, 7, 8, 1000]) {
    t.strictSame((await readAll(who, limit)).flat(), order, `in pages of ${limit}`)
  }
})

t.test('a page has the requested number of rows, and only the last has no next link', async (t) => {
  const { who, userId } = await newcomer('pages')
  await insert(userId, { f1: '2026-11-01', f2: '2026-11-02', f3: '2026-11-03', f4: '2026-11-04' })
  t.strictSame(await readAll(who, 3), [['f4', 'f3', 'f2'], ['f1']])
  t.strictSame(
    await readAll(who, 2),
    [
      ['f4', 'f3'],
      ['f2', 'f1']
    ],
    'no empty page at the end'
  )
  t.strictSame(await readAll(who, 4), [['f4', 'f3', 'f2', 'f1']])
})

t.test('the link to the next page is relative and keeps the limit', async (t) => {
  const { who, userId } = await newcomer('link')
  await insert(userId, { e1: '2026-11-01', e2: '2026-11-02' })
  const { next } = await read(who, '/api/sessions?limit=1')
  t.match(next, /^\/api\/sessions\?limit=1&cursor=[\w-]+$/)
})

t.test('pages are separated to the microsecond', async (t) => {
  const { who, userId } = await newcomer('micros')
  const rows = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      `9${i.toString(16)}1`,
      `2026-11-20T10:00:00.12345${Math.floor(i / 3)}Z`
    ])
  )
  await insert(userId, {
    ...rows,
    801: '1969-12-31T23:59:59.999999Z',
    802: '1969-12-31T23:59:59.999998Z',
    803: '1900-01-01T00:00:00.000001Z',
    804: '1900-01-01T00:00:00Z'
  })
  const all = (await read(who, '/api/sessions')).rows
  t.equal(new Set(all).size, 16)
  t.strictSame(all.slice(0, 3), ['991', '9a1', '9b1'])
  t.strictSame(all.slice(-4), ['801', '802', '803', '804'])
  for (const limit of [1, 2, 5]) t.strictSame((await readAll(who, limit)).flat(), all)
})

t.test('pages stay correct while rows are added and removed', async (t) => {
  const { who, userId } = await newcomer('moving')
  const at = '2026-11-20T10:00:00.000500Z'
  await insert(userId, { 71: '2026-11-21', 72: at, 74: at, 76: at, 78: '2026-11-19', 79: '2026-11-18' })
  const first = await read(who, '/api/sessions?limit=3')
  t.strictSame(first.rows, ['71', '72', '74'])

  await remove('74') // the row to which the cursor points
  await insert(userId, { '7a': '2026-11-22', 73: at, 75: at, '7b': '2026-11-20T10:00:00.000499Z' })
  const second = await read(who, first.next ?? '')
  t.strictSame(
    second.rows,
    ['75', '76', '7b'],
    'a row added before the cursor is not listed, one added after it is, and none appears twice'
  )

  await remove('7b')
  await remove('78')
  t.strictSame(await read(who, second.next ?? ''), { rows: ['79'], next: undefined })
  await remove('79')
  t.strictSame(await read(who, second.next ?? ''), { rows: [], next: undefined })
})

t.test('without a limit the answer is the whole history', async (t) => {
  const { who, userId } = await newcomer('whole')
  await query(
    database.url,
    `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
    SELECT '${userId}', 'Ode ' || n, 'Piano', n, timestamptz '2020-01-01' + n * interval '1 hour' FROM generate_series(1, 2500) AS n`
  )
  const rows = (await who.list()).json<SessionListItem[]>()
  t.strictSame(
    rows.map((row) => row.duration_seconds),
    Array.from({ length: 2500 }, (_, i) => 2500 - i)
  )
  t.strictSame(
    (await readAll(who, 1000)).map((page) => page.length),
    [1000, 1000, 500]
  )
})

t.test('a cursor without a limit still gives the start', async (t) => {
  const { who, userId } = await newcomer('rest')
  await insert(userId, { 61: '2026-11-21', 62: '2026-11-20', 63: '2026-11-19' })
  const { next } = await read(who, '/api/sessions?limit=1')
  t.strictSame((await read(who, `/api/sessions?${next?.split('&')[1]}`)).rows, ['62', '63'])
})

t.test("sessions of other users are not listed, not even with another user's cursor", async (t) => {
  const [clara, robert] = [await newcomer('clara'), await newcomer('robert')]
  await insert(clara.userId, { 51: '2026-11-21', 52: '2026-11-20' })
  await insert(robert.userId, { 53: '2026-11-21' })
  t.strictSame((await read(robert.who, '/api/sessions')).rows, ['53'])
  const { next } = await read(clara.who, '/api/sessions?limit=1')
  t.strictSame((await read(robert.who, next ?? '')).rows, ['53'])
})

t.test('a limit that is not a whole number from 1 to 1000 is refused', async (t) => {
  for (const limit of [
    '0',
    '-1',
    '1001',
    '99999999999999999999',
    '1.5',
    '1e2',
    '0x10',
    '05',
    '+5',
    ' 5',
    'ten',
    '',
    '5&limit=6',
    '%00',
    '%F0%9F%98%80'
  ]) {
    isProblem(t, await as('auth0|stranger').list(`?limit=${limit}`), 'invalid_input', 'limit')
  }
  isProblem(t, await as('auth0|stranger').list('?limit[]=5&limit=6&limit=7'), 'invalid_input', 'limit')
})

t.test('a cursor that no page gave is refused', async (t) => {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const id = uuid('a')
  const invalid = [
    '',
    'nonsense',
    '%00',
    '%F0%9F%98%80',
    'x'.repeat(201),
    encode(''),
    encode('1'),
    encode(id),
    encode(`1/${id.toUpperCase()}x`),
    encode(`x/${id}`),
    encode(`1.5/${id}`),
    encode(`1/${id}/2`),
    encode(`--1/${id}`),
    encode(`99999999999999999/${id}`),
    encode(`1/${id}' OR true`),
    encode(`NaN/${id}`),
    'a&cursor=b'
  ]
  for (const cursor of invalid) {
    isProblem(t, await as('auth0|stranger').list(`?limit=5&cursor=${cursor}`), 'invalid_input', 'cursor')
  }
  for (const micros of ['0', '-9999999999999999', '9999999999999999']) {
    t.equal(
      (await as('auth0|stranger').list(`?cursor=${encode(`${micros}/${id}`)}`)).statusCode,
      200,
      'far away, but a place'
    )
  }
})
