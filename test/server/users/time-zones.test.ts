import t, { type Test } from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { UserStatsData } from '../../../src/contract/stats.ts'
import type { User } from '../../../src/contract/users.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'
import { LINKS, NEW_ZONES } from '../../helpers/zone-data.ts'

/** A PostgreSQL whose zone data is old, and has no links, as that of Debian 13. */
const services = await startServices(t, { withoutZones: [...LINKS, ...NEW_ZONES] })
const NOW = new Date('2026-03-10T20:00:00Z') // 11 March in India
const { as, database } = await build(t, {
  services,
  env: { DEFAULT_TIME_ZONE: 'Asia/Calcutta' },
  now: () => NOW
})

/** The local days of this week with practice, and the streak. */
async function daysOf(t: Test, clara: ReturnType<typeof as>, search = '') {
  const response = await clara.stats(search)
  t.equal(response.statusCode, 200)
  const { weekly_progress: week, streak } = response.json<UserStatsData>()
  return { days: week.filter(({ minutes }) => minutes > 0).map(({ date }) => date), streak }
}

t.test('a zone whose name the database does not know has its own days', async (t) => {
  for (const [timeZone, day] of [
    ['Asia/Calcutta', '2026-03-11'],
    ['US/Pacific', '2026-03-10'],
    ['Europe/Kiev', '2026-03-10'],
    ['Europe/Kyiv', '2026-03-10'],
    ['Asia/Rangoon', '2026-03-11'],
    ['America/Ciudad_Juarez', '2026-03-10'],
    ['Asia/Qostanay', '2026-03-11'],
    [null, '2026-03-11']
  ] as const) {
    const clara = as(`auth0|${timeZone}`)
    const synced = await clara.sync({ timeZone })
    t.equal(synced.statusCode, 201, String(timeZone))
    t.equal(synced.json<User>().time_zone, timeZone, 'it is stored as sent')
    const saved = await clara.save({ date: '2026-03-10T19:30:00Z' })
    t.equal(saved.statusCode, 201)
    t.strictSame(await daysOf(t, clara), { days: [day], streak: 1 }, String(timeZone))
    t.strictSame(await daysOf(t, clara, '?tz=Asia/Calcutta'), { days: ['2026-03-11'], streak: 1 })
    t.equal((await clara.remove(saved.json<SessionData>().id)).statusCode, 204)
    t.strictSame(await daysOf(t, clara), { days: [], streak: 0 })
  }
})

t.test('no zone in the table makes a save, the stats, a sync or a deletion fail', async (t) => {
  const clara = as('auth0|moved')
  const { id } = (await clara.sync({ timeZone: 'Europe/Berlin' })).json<User>()
  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  const sessions: SessionData[] = []
  for (let index = 0; index < 2; index++) {
    sessions.push((await clara.save({ audioBase64 })).json<SessionData>())
  }
  for (const zone of ['Asia/Calcutta', 'Mars/Olympus_Mons', 'IST']) {
    const breakZones = () =>
      query(
        database.url,
        `UPDATE users SET time_zone = '${zone}', figures_zone = '${zone}' WHERE id = '${id}'`
      )
    await breakZones()
    t.equal((await daysOf(t, clara)).streak, 1, zone)
    await breakZones()
    t.equal((await clara.save()).statusCode, 201, zone)
    await breakZones()
    t.equal((await clara.sync()).statusCode, 200, zone)
  }
  await query(database.url, `UPDATE users SET figures_zone = 'Asia/Calcutta' WHERE id = '${id}'`)
  const [first, second] = sessions
  t.equal((await clara.remove(first?.id ?? '')).statusCode, 204)
  t.equal((await clara.call('DELETE', `/api/sessions/${second?.id}/recording`)).statusCode, 204)
  t.equal((await fetch(first?.audioUrl ?? '')).ok, false, 'the recording is removed')
})
