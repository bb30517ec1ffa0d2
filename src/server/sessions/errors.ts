import { ApiError } from '../errors.ts'

/** Also for a session of somebody else: both get the same answer. */
export const sessionNotFound = () => new ApiError('session_not_found', 'You have no session with this id.')
