import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../database/client.ts'
import type { Storage } from '../storage/storage.ts'
import type { Leases } from './leases.ts'

/** What saving, deleting and direct uploads work with. */
export type SessionDependencies = {
  database: Database
  storage: Storage
  leases: Leases
  now: () => Date
  defaultTimeZone: string
  log: FastifyBaseLogger
}
