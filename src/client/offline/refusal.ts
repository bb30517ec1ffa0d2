import { StorageError, type Failure, type Refusal } from '../storage-service.ts'

/** Statuses that mean the server will reject this session at every attempt. */
const PERMANENT = [400, 409, 412, 413, 415, 422]
/** Codes that say nothing about the session: every other one would fail as well. */
const GENERAL = ['user_not_synced', 'no_token', 'too_many_requests', 'blocked']

/**
 * Whether the session was rejected permanently. All other errors (no network, no token, a server error, a
 * response from a captive portal) say nothing about the session, so it stays in the queue.
 */
export function isRefusal(error: unknown): error is StorageError {
  if (!(error instanceof StorageError) || concernsAll(error)) return false
  return PERMANENT.includes(error.status) || error.code === 'session_not_found'
}

/** Whether every other session would fail in the same way. */
export function concernsAll(error: unknown): boolean {
  return error instanceof StorageError && (error.status === 401 || GENERAL.includes(error.code))
}

export function toRefusal({ status, code, detail }: StorageError): Refusal {
  return { status, code, detail }
}

/** Any error as plain data. */
export function toFailure(error: Error): Failure {
  if (error instanceof StorageError) return toRefusal(error)
  return { status: 500, code: 'browser_fault', detail: error.message }
}
