import type { Config } from '../config.ts'
import { sqlState } from '../database/errors.ts'
import { ApiError } from '../errors.ts'

export type Quotas = Config['quotas']

/** The value of `harmony_helper.quotas`, which the trigger `users_quotas` reads (prisma/migrations, `check_quotas`). */
export const quotaSetting = ({ sessions, textBytes, recordingsBytes }: Quotas): string =>
  `{${sessions},${textBytes},${recordingsBytes}}`

/** @returns quota_exceeded where the database has refused a statement for a quota; any other error as it is */
export function toQuotaError(error: unknown, quotas: Quotas): unknown {
  const describe = EXCEEDED[sqlState(error) ?? '']
  return describe ? new ApiError('quota_exceeded', describe(quotas)) : error
}

/** Rethrows an error as `toQuotaError` converts it. */
export const throwQuotaError =
  (quotas: Quotas) =>
  (error: unknown): never => {
    throw toQuotaError(error, quotas)
  }

/** By the SQLSTATE of `check_quotas`. */
const EXCEEDED: Record<string, (quotas: Quotas) => string> = {
  HQ001: ({ sessions }) => `An account holds up to ${sessions} sessions. Delete some first.`,
  HQ002: ({ textBytes }) =>
    `The scores, feedback and notes of an account hold up to ${textBytes} bytes. Delete or shorten some first.`,
  HQ003: ({ recordingsBytes }) =>
    `The recordings of an account hold up to ${recordingsBytes} bytes. Delete some first.`
}
