import type { Account } from '../../contract/users.ts'
import { toMinutes } from '../../contract/practice-days.ts'
import type { Database } from '../database/client.ts'
import { ApiError } from '../errors.ts'
import { refreshFigures } from './figures.ts'
import { presentUser } from './present-user.ts'
import type { Quotas } from './quotas.ts'
import { createUserRepository } from './repository.ts'

/** The error for a caller without an account. */
export const NOT_SYNCED = new ApiError(
  'user_not_synced',
  'You have no account yet. Call POST /api/users/sync once.'
)

type Dependencies = { database: Database; defaultTimeZone: string; quotas: Quotas; now: () => Date }

/**
 * Reads the user of a token, what the account holds, and what it may hold. The figures are as of now: what was
 * never counted is counted first.
 * @throws {ApiError} user_not_synced; database_unavailable
 */
export async function readAccount(
  { database, defaultTimeZone, quotas, now }: Dependencies,
  sub: string
): Promise<Account> {
  const account = await database.transaction(async (queries) => {
    await refreshFigures(queries, sub, { zones: database.zones, defaultTimeZone, now: now() })
    return createUserRepository(queries).findAccount(sub)
  })
  if (!account) throw NOT_SYNCED
  return {
    ...presentUser(account),
    total_minutes: toMinutes(Number(account.totalSeconds)),
    session_count: account.sessionCount ?? 0,
    text_bytes: Number(account.textBytes),
    recordings_bytes: Number(account.recordingsBytes),
    quotas: {
      session_count: quotas.sessions,
      text_bytes: quotas.textBytes,
      recordings_bytes: quotas.recordingsBytes
    }
  }
}
