import pg from 'pg'
import t, { type Test } from 'tap'
import { isTimeZone } from '../../../src/contract/local-day.ts'
import { offsetsOf } from '../../../src/server/database/time-zone-names.ts'
import { createTimeZones } from '../../../src/server/database/time-zones.ts'
import { ALL_ZONES, LINKS, NEW_ZONES } from '../../helpers/zone-data.ts'

/** Names that PostgreSQL takes for abbreviations, in hours. */
const ABBREVIATIONS: Record<string, number> = {
  CET: 1,
  MET: 1,
  EET: 2,
  WET: 0,
  EST: -5,
  MST: -7,
  HST: -10,
  GMT: 0,
  UTC: 0
}

const offsets = new Map<string, number[]>()

/** Minutes from UTC of a zone that Intl knows, computed once. */
function knownOffsets(name: string): number[] {
  const computed = offsets.get(name) ?? offsetsOf(name) ?? []
  offsets.set(name, computed)
  return computed
}

/** Resolves zones for a database that does not know those of `missing`. */
function zonesWithout(missing: string[]) {
  const unknown = new Set(missing)
  const known = new Set(ALL_ZONES.filter((name) => !unknown.has(name)))
  const readOffsets = (name: string) => {
    if (name in ABBREVIATIONS) return Array<number>(12).fill((ABBREVIATIONS[name] ?? 0) * 60)
    if (known.has(name)) return knownOffsets(name)
    throw Object.assign(new pg.DatabaseError('time zone not recognized', 0, 'error'), { code: '22023' })
  }
  const state = { warnings: [] as string[], statements: 0 }
  const queries = {
    $executeRaw: async () => 0,
    $queryRaw: async (_text: unknown, name: string) => {
      state.statements++
      return readOffsets(name).map((minutes) => ({ minutes }))
    }
  } as never
  const zones = createTimeZones({
    transaction: async (work) => work(queries),
    log: { warn: (message) => state.warnings.push(message) }
  })
  return { resolve: zones.resolve, readOffsets, state }
}

const NAMES = [...new Set([...Intl.supportedValuesOf('timeZone'), ...ALL_ZONES])].filter(isTimeZone)

for (const [data, missing] of [
  ['full', []],
  ['reduced', LINKS],
  ['older', NEW_ZONES],
  ['older and reduced', [...LINKS, ...NEW_ZONES]]
] as Array<[string, string[]]>) {
  t.test(`every name that a browser can report has its days, with ${data} zone data`, async (t: Test) => {
    const { resolve, readOffsets, state } = zonesWithout(missing)
    const wrong: string[] = []
    for (const name of NAMES) {
      const zone = await resolve([name])
      if (String(readOffsets(zone)) !== String(knownOffsets(name))) wrong.push(`${name}: ${zone}`)
    }
    t.ok(NAMES.length > 550)
    t.strictSame(wrong, [])
    t.strictSame(state.warnings, [])
  })
}

t.test(
  'a name is replaced only where that is needed, and by a name of the same zone if there is one',
  async (t) => {
    const full = zonesWithout([])
    for (const name of ['Asia/Calcutta', 'Europe/Kyiv', 'US/Pacific', 'Etc/GMT+5', 'america/new_york']) {
      t.equal(await full.resolve([name]), name === 'america/new_york' ? 'America/New_York' : name)
    }
    const reduced = zonesWithout([...LINKS, 'Europe/Kyiv', 'America/Ciudad_Juarez'])
    t.equal(await reduced.resolve(['Asia/Calcutta']), 'Asia/Kolkata')
    t.equal(await reduced.resolve(['US/Pacific']), 'America/Los_Angeles')
    t.equal(await zonesWithout(['Europe/Kyiv']).resolve(['Europe/Kyiv']), 'Europe/Kiev')
    t.match(
      await reduced.resolve(['America/Ciudad_Juarez']),
      /^America\//,
      'a zone of the region with the same clock'
    )
    t.match(
      await full.resolve(['CET']),
      /^Europe\//,
      'not the abbreviation, which has no daylight saving time'
    )
  }
)

t.test('what is no zone is replaced by the default, then by UTC, and the log says so once', async (t) => {
  const { resolve, state } = zonesWithout(LINKS)
  for (const name of ['Mars/Olympus_Mons', 'IST', 'x', '']) {
    t.equal(await resolve([name, 'Europe/Berlin']), 'Europe/Berlin')
    t.equal(await resolve([name, 'Venus/Maat_Mons']), 'UTC')
  }
  t.equal(await resolve([null, null]), 'UTC')
  t.match(state.warnings, [/Mars\/Olympus_Mons/])
  t.equal(state.warnings.length, 5)
})

t.test('the database is asked once for each name, and not for UTC', async (t) => {
  const { resolve, state } = zonesWithout([])
  for (let index = 0; index < 3; index++) {
    t.equal(await resolve([null, 'UTC']), 'UTC')
    t.equal(await resolve(['Europe/Berlin', 'UTC']), 'Europe/Berlin')
    t.equal(await resolve(['EUROPE/BERLIN']), 'Europe/Berlin')
  }
  t.equal(state.statements, 1)
})

t.test('any other fault of the database is reported, and not remembered', async (t) => {
  let isDown = true
  const { resolve } = createTimeZones({
    transaction: async (work) => {
      if (isDown) throw new Error('down')
      return work({ $executeRaw: async () => 0, $queryRaw: async () => [] } as never)
    },
    log: console
  })
  await t.rejects(resolve(['Europe/Berlin']), /down/)
  isDown = false
  t.equal(await resolve(['Europe/Berlin']), 'Europe/Berlin')
})
