import type { Queries } from '../database/client.ts'
import type { TimeZones } from '../database/time-zones.ts'
import { createFiguresRepository } from './figures-repository.ts'
import { createUserRepository, type LockedUser } from './repository.ts'

/** The zones and the time for counting. `defaultTimeZone` is the zone of users without one. */
export type CountingContext = { zones: TimeZones; defaultTimeZone: string; now: Date }

const queryOf = async (
  queries: Queries,
  { userId, timeZone }: LockedUser,
  { zones, defaultTimeZone, now }: CountingContext
) => ({
  userId,
  zone: await zones.resolve([timeZone, defaultTimeZone], queries),
  now
})

/**
 * Locks the user and brings the running figures up to date, inside a transaction. Reads no more of the
 * history than is unknown: nothing, the days of the streak, or all of it for sums that were never counted.
 * @returns the user; null when there is none with this `sub`
 */
export async function refreshFigures(
  queries: Queries,
  sub: string,
  context: CountingContext
): Promise<LockedUser | null> {
  const figures = createFiguresRepository(queries)
  const user = await createUserRepository(queries).lock({ sub })
  if (!user) return null
  const query = await queryOf(queries, user, context)
  if (!user.hasTotals) await figures.countTotals(user.userId)
  if (!(await figures.endStreakIfOver(query))) await figures.countStreak(query)
  return { ...user, streakZone: query.zone, hasTotals: true }
}

/**
 * Counts all running figures of a user again, inside a transaction.
 * @returns false when the user does not exist
 */
export async function recountFigures(
  queries: Queries,
  userId: string,
  context: CountingContext
): Promise<boolean> {
  const figures = createFiguresRepository(queries)
  const user = await createUserRepository(queries).lock({ userId })
  if (!user) return false
  await figures.countTotals(userId)
  await figures.countStreak(await queryOf(queries, user, context))
  return true
}

/**
 * Brings the streak up to date after the deletion of one session, inside the transaction that deleted it.
 * @param user as locked before the deletion
 * @param deleted the session's date, as PostgreSQL writes it
 */
export async function subtractFromFigures(
  queries: Queries,
  user: LockedUser,
  { deleted, ...context }: CountingContext & { deleted: string }
): Promise<void> {
  const figures = createFiguresRepository(queries)
  const query = await queryOf(queries, user, context)
  const isKnown = user.streakZone === query.zone && (await figures.subtractSession(query, deleted))
  if (!isKnown) await figures.countStreak(query)
}
