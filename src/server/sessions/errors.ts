import { sqlState } from '../database/errors.ts'
import { ApiError } from '../errors.ts'

/** Also the answer for a session of another user: a caller cannot tell the two apart. */
export const sessionNotFound = () => new ApiError('session_not_found', 'You have no session with this id.')

/** The error while another request works on the session. */
export const sessionBusy = () =>
  new ApiError('session_busy', 'Another request is saving or deleting the session. Retry.')

/** The error for an id under which other content is stored or being saved. */
export const idReused = () => new ApiError('id_reused', 'Another session has this id. Choose a new id.')

/** The error of a save for a user without an account. */
export const notSynced = () =>
  new ApiError('user_not_synced', 'Call POST /api/users/sync once, then save again.')

/**
 * Whether the database gave no answer. A transaction that failed with this may have been committed
 * nevertheless.
 */
export const isOutage = (error: unknown) => error instanceof ApiError && error.code === 'database_unavailable'

/** Whether the request was refused for what it asks: nothing was written, and nothing will be. */
export const isRefusal = (error: unknown) => error instanceof ApiError && error.statusCode < 500

/** SQLSTATEs: foreign_key_violation, and triggered_data_change_violation (PostgreSQL manual, appendix A). */
const USER_DELETED = new Set(['23503', '27000'])

/** Whether a statement failed because its user was deleted at the same moment. */
export const isUserDeleted = (error: unknown) => USER_DELETED.has(sqlState(error) ?? '')
