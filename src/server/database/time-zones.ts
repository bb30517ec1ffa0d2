import { LRUCache } from 'lru-cache'
import type { PrismaClient } from '../generated/prisma/client.ts'
import { sqlState } from './errors.ts'
import { namesForZone, offsetsOf, SAMPLES, zonesWithClockOf } from './time-zone-names.ts'

type Queries = Pick<PrismaClient, '$queryRaw' | '$executeRaw'>

type Dependencies = {
  transaction: <T>(work: (queries: Queries) => Promise<T>) => Promise<T>
  log: { warn: (message: string) => void }
}

export type TimeZones = ReturnType<typeof createTimeZones>

/** Every IANA name, and some that a person wrote into the table. */
const MAX_NAMES = 2000
/** Whether PostgreSQL refused a time zone: SQLSTATE invalid_parameter_value (PostgreSQL manual, appendix A). */
export const isUnknownZone = (error: unknown): boolean => sqlState(error) === '22023'

/**
 * The names under which the database knows time zones. A name that is not known there is replaced by another
 * name of the same zone, or by a zone with the same clock, so that no zone makes a statement fail. What was
 * found is remembered.
 */
export function createTimeZones({ transaction, log }: Dependencies) {
  const found = new LRUCache<string, { zone: string | undefined }>({ max: MAX_NAMES })

  async function find(name: string, queries: Queries | undefined): Promise<string | undefined> {
    const known = found.get(name.toLowerCase())
    if (known) return known.zone
    const zone = queries ? await search(name, queries) : await transaction((own) => search(name, own))
    found.set(name.toLowerCase(), { zone })
    if (zone === undefined) log.warn(`The database does not know the time zone ${name}; the default is used.`)
    return zone
  }

  return {
    /**
     * The first of some zones that the database knows, by the name that it knows; at last UTC.
     * @param wanted IANA names; null counts as left out
     * @param queries of a transaction that is under way; otherwise a search has one of its own
     */
    async resolve(wanted: ReadonlyArray<string | null>, queries?: Queries): Promise<string> {
      for (const name of wanted) {
        const zone = name === null || name === 'UTC' ? name : await find(name, queries)
        if (zone) return zone
      }
      return 'UTC'
    }
  }
}

async function search(name: string, queries: Queries): Promise<string | undefined> {
  const wanted = String(offsetsOf(name))
  const accepted: string[] = []
  for (const candidate of namesForZone(name)) {
    const offsets = await readOffsets(candidate, queries)
    // PostgreSQL takes some names, such as CET, for abbreviations without daylight saving time.
    if (offsets && String(offsets) === wanted) return candidate
    if (offsets) accepted.push(candidate)
  }
  if (accepted.length > 0 || offsetsOf(name) === undefined) return accepted[0]
  for (const candidate of zonesWithClockOf(name)) {
    if (await readOffsets(candidate, queries)) return candidate
  }
  return undefined
}

/** Minutes from UTC at each sample, as the database counts them; undefined if it does not know the zone. */
async function readOffsets(zone: string, queries: Queries): Promise<number[] | undefined> {
  await queries.$executeRaw`SAVEPOINT time_zone` // an unknown zone must not fail the transaction
  try {
    const rows = await queries.$queryRaw<Array<{ minutes: number }>>`
      SELECT (extract(epoch FROM (at AT TIME ZONE ${zone}) - (at AT TIME ZONE 'UTC')) / 60)::int AS minutes
      FROM unnest(${SAMPLES}::timestamptz[]) WITH ORDINALITY AS samples(at, number)
      ORDER BY number`
    await queries.$executeRaw`RELEASE SAVEPOINT time_zone`
    return rows.map(({ minutes }) => minutes)
  } catch (error) {
    if (!isUnknownZone(error)) throw error
    await queries.$executeRaw`ROLLBACK TO SAVEPOINT time_zone`
    await queries.$executeRaw`RELEASE SAVEPOINT time_zone`
    return undefined
  }
}
