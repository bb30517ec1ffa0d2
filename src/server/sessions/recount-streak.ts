import { refreshFigures } from '../users/figures.ts'
import type { SessionDependencies } from './dependencies.ts'

/**
 * Brings the streak up to date after a write. The write is committed, so a failure is no error of it: the
 * streak is then counted when it is needed next.
 */
export async function recountStreak(
  { database, defaultTimeZone, now, log }: SessionDependencies,
  sub: string
): Promise<void> {
  await database
    .transaction((queries) =>
      refreshFigures(queries, sub, { zones: database.zones, defaultTimeZone, now: now() })
    )
    .catch((error) => log.warn({ err: error }, 'The streak will be counted when it is needed'))
}
