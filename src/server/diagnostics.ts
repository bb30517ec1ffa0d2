import { channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel'

/**
 * What happens inside the server, published through Node.js' diagnostics channels. `metrics` and
 * `tracing` subscribe. The channels are those of the process.
 */

/** A traced call. A subscriber may note when it began; Node.js adds what it has returned, or its error. */
type Traced = { startedAt?: number; result?: unknown; error?: unknown }

/** Publishes a call. It looks for subscribers first, because `tracePromise` does not before Node.js 22. */
export const trace = <T, Message extends object>(
  calls: TracingChannel<unknown, Message>,
  call: () => Promise<T>,
  message: Message
): Promise<T> => (calls.hasSubscribers ? calls.tracePromise(call, message) : call())

const traced = <Message extends object>(name: string) =>
  tracingChannel<unknown, Message & Traced>(`harmony-helper:${name}`)

/** A statement, a query of Prisma or a transaction. `call` names it, with a bounded number of names. */
export const databaseCalls = traced<{ call: string }>('database')

/** A query of a transaction, which is a part of its call. */
export const transactionQueries = traced<{ call: string }>('transaction-query')

/** The name of a statement or query, without the hash of its text that a statement's own name ends with. */
export const nameOf = ({ call }: { call: string }): string => call.replace(/-[0-9a-f]{12}$/, '')

/** A request to the object storage, until its answer is complete. `path` is that of the storage's API. */
export const storageCalls = traced<{ method: string; path: string }>('storage')

/** A read of the issuer's key set. */
export const keySetReads = traced<object>('key-set')

/** The acquisition of a lease on a session id, with the wait for it. */
export const leaseAcquisitions = traced<object>('lease')

/** One round of removing leftovers. Its result is `CleanedUp`. */
export const cleanUpRounds = traced<object>('clean-up')

/** A periodic check of a dependency has ended. `code` is `ok` or that of its first fault. */
export type CheckResult = { check: string; code: string }
export const checkResults = channel('harmony-helper:check')

/** The server has sent a recording to the storage. */
export type StoredRecording = { bytes: number }
export const storedRecordings = channel('harmony-helper:recording')
