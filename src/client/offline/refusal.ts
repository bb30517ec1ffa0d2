import { StorageError, type Refusal } from '../storage-service.ts'

/** What the server says of this one session, and will say again however often it is asked. */
const FOR_GOOD = [400, 409, 413, 415, 422]

/**
 * Whether the session was refused for good. Everything else (no network, no token, a server in trouble, somebody
 * else's answer) says nothing about the session: it waits.
 */
export function isRefusal(error: unknown): error is StorageError {
  return error instanceof StorageError && FOR_GOOD.includes(error.status) && error.code !== 'user_not_synced'
}

export function toRefusal({ status, code, detail }: StorageError): Refusal {
  return { status, code, detail }
}
