import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { FairLimiter } from '../http/limits/fair-limiter.ts'
import type { Instruments } from './instruments.ts'

/** Gauges of what the plugins hold, read for each scrape. */
export function readState(app: FastifyInstance, { reading }: Instruments): void {
  const usage = (part: 'places' | 'held' | 'waiting') => () =>
    Object.fromEntries(
      Object.entries(limitersOf(app)).map(([name, limiter]): [string, number] => [
        name,
        limiter.usage()[part]
      ])
    )
  const label = 'limiter'
  reading('places', 'Places of a limiter of concurrent work', { label, read: usage('places') })
  reading('places_held', 'Places that are taken', { label, read: usage('held') })
  reading('places_waiting', 'Requests that wait for a place', { label, read: usage('waiting') })

  const memory = (part: 'places' | 'held' | 'waiting') => ({
    label: 'kind',
    read() {
      const { bodies, answers } = app.memoryBudget
      return { bodies: bodies.usage()[part], answers: answers.usage()[part] }
    }
  })
  reading('memory_budget_bytes', 'Memory for bodies and answers', memory('places'))
  reading('memory_budget_held_bytes', 'Bytes of the memory budget in use', memory('held'))
  reading('memory_budget_waiting', 'Requests that wait for memory', memory('waiting'))

  reading('database_connections', 'Connections of the pool', {
    label: 'state',
    read() {
      const { open, idle } = app.database.connections()
      return { busy: open - idle, idle }
    }
  })
  reading('database_connections_max', 'DATABASE_POOL_SIZE', { read: () => app.database.connections().max })
  reading('database_waiting', 'Calls that wait for a connection', {
    read: () => app.database.connections().waiting
  })
  reading('http_connections', 'Connections of clients', {
    read: promisify(app.server.getConnections.bind(app.server)) as () => Promise<number>
  })
}

const limitersOf = ({ places, bodyLimiters }: FastifyInstance): Record<string, FairLimiter> => ({
  database: places.database,
  storage: places.storage,
  pieces: places.pieces,
  uploads: bodyLimiters.bodies,
  text_bytes: bodyLimiters.textBytes,
  large_texts: bodyLimiters.largeTexts
})
