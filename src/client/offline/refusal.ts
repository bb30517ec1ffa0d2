import { StorageError, type Refusal } from '../storage-service.ts'

/** Statuses that mean the server will reject this session at every attempt. */
const PERMANENT = [400, 409, 413, 415, 422]

/**
 * Whether the server rejected the session permanently. All other errors (no network, no token, a server
 * error, a response from a captive portal) say nothing about the session, so it stays in the queue.
 */
export function isRefusal(error: unknown): error is StorageError {
  return error instanceof StorageError && PERMANENT.includes(error.status) && error.code !== 'user_not_synced'
}

export function toRefusal({ status, code, detail }: StorageError): Refusal {
  return { status, code, detail }
}
