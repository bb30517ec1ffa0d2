import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Database } from '../database/client.ts'
import type { Storage } from '../storage/storage.ts'
import type { Quotas } from '../users/quotas.ts'
import type { Leases } from './leases/leases.ts'

/** What the use cases of sessions work with. */
export type SessionDependencies = {
  database: Database
  storage: Storage
  leases: Leases
  /** The clock that decides where today ends. */
  now: () => Date
  defaultTimeZone: string
  maxRecordingBytes: number
  quotas: Quotas
  log: FastifyBaseLogger
}

/** One session as a caller names it. It exists only if it belongs to the user with this token `sub`. */
export type SessionReference = {
  sub: string
  /** Lower case. */
  id: string
}

/** The session that the path of an authenticated request names. */
export const referenceOf = ({
  user,
  params
}: Pick<FastifyRequest, 'user'> & { params: { id: string } }): SessionReference => ({
  sub: user.sub,
  id: params.id.toLowerCase()
})
