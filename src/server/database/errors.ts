import pg from 'pg'
import { ApiError, misconfigured } from '../errors.ts'
import { toConfigurationFault } from './configuration-faults.ts'

/** SQLSTATE classes of server errors, as opposed to errors of a statement (PostgreSQL manual, appendix A). */
const SERVER_FAULTS = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58', 'F0', 'XX'])

/** First words, in lower case, of the connection errors without a code: of node-postgres, its pool and ours. */
const CONNECTION_FAULTS = [
  'query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'connection terminated',
  'client has encountered a connection error',
  'client was closed',
  'cannot use a pool',
  'the server does not support ssl',
  'the transaction took too long'
]

type AdapterFailure = { cause?: { originalCode?: string } }
type PrismaFailure = { code?: unknown; meta?: { driverAdapterError?: AdapterFailure } }

const isPrismaFailure = (error: unknown): error is PrismaFailure =>
  error instanceof Error &&
  /^PrismaClient(KnownRequest|Initialization|UnknownRequest|RustPanic)Error$/.test(error.name)

/** The driver adapter's error. Prisma wraps it, except when COMMIT failed. */
function adapterFailure(error: unknown): AdapterFailure | undefined {
  if (error instanceof Error && error.name === 'DriverAdapterError') return error as AdapterFailure
  return isPrismaFailure(error) ? error.meta?.driverAdapterError : undefined
}

/** The SQLSTATE of a failed statement, if PostgreSQL sent one. */
export const sqlState = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : adapterFailure(error)?.cause?.originalCode

// ECONNREFUSED and the like, also in the AggregateError of a host with several addresses, and the errors of TLS. Not
// ERR_INVALID_ARG_TYPE and the like: they are mistakes of the program.
const hasSocketCode = (error: unknown) =>
  error instanceof Error &&
  /^(E(?!RR_)[A-Z_0-9]+|ERR_(TLS|SSL|SOCKET)_\w+)$/.test(String((error as NodeJS.ErrnoException).code))

const isConnectionFault = (message: string) =>
  CONNECTION_FAULTS.some((start) => message.toLowerCase().startsWith(start))

function isServerFault(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return SERVER_FAULTS.has(state.slice(0, 2))
  if (adapterFailure(error) || hasSocketCode(error)) return true
  if (isPrismaFailure(error)) return /^P(1\d\d\d|2024|2028|2034)$/.test(String(error.code))
  return error instanceof Error && isConnectionFault(error.message)
}

const unavailable = (cause: unknown) =>
  new ApiError('database_unavailable', 'The practice history is unavailable. Retry shortly.', { cause })

function convert(error: unknown): unknown {
  const fault = toConfigurationFault(sqlState(error), error)
  if (fault) return misconfigured('database_unavailable', fault)
  return isServerFault(error) ? unavailable(error) : error
}

/**
 * Limits the time of a database call. Rejects with `database_unavailable` after a failure of the server, a timeout
 * or a configuration fault. Any other error (a refused statement, an ApiError) stays as it is.
 */
export function withTimeLimit<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(unavailable(new Error(`The database did not answer within ${milliseconds} ms`))),
      milliseconds
    ).unref()
    const stopTimer = () => clearTimeout(timer)
    work.then(resolve, (error) => reject(convert(error))).then(stopTimer, stopTimer)
  })
}
