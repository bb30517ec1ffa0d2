import type { Database } from '../database/client.ts'
import { isUnknownZone } from '../database/time-zones.ts'
import { createFiguresRepository } from './figures-repository.ts'

/**
 * Runs a statement that counts by the days of `figures_zone`. The database may not know that zone any more,
 * after a move to another machine: then the streak becomes unknown, and the statement runs again.
 */
export async function withKnownZone<T>(
  { queries }: Pick<Database, 'queries'>,
  sub: string,
  run: () => Promise<T>
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isUnknownZone(error)) throw error
    await createFiguresRepository(queries).forgetStreak(sub)
    return run()
  }
}
