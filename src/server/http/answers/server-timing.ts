import { AsyncLocalStorage } from 'node:async_hooks'
import type { TracingChannel } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { databaseCalls, storageCalls } from '../../diagnostics.ts'
import { storePerRequest } from '../request-store.ts'

/** Milliseconds. */
type Timing = { startedAt: number; auth: number | undefined; database: number; storage: number }

type Call = { startedAt?: number }

/**
 * Tells in `Server-Timing` (W3C) where the time of each request has gone until its answer began, for the network panel
 * of a browser: `auth` (token, rate limit, user), `database` and `storage` (the sums of their calls), `total`.
 */
async function serverTiming(app: FastifyInstance) {
  const store = new AsyncLocalStorage<Timing | undefined>()
  const timingOf = storePerRequest(app, store, () => ({
    startedAt: performance.now(),
    auth: undefined,
    database: 0,
    storage: 0
  }))

  app.addHook('preParsing', async (request) => {
    const timing = timingOf(request)
    if (timing) timing.auth = performance.now() - timing.startedAt
  })
  app.addHook('onSend', async (request, reply) => {
    const timing = timingOf(request)
    if (timing) reply.header('server-timing', describe(timing))
  })

  function measure(channel: TracingChannel<unknown, Call>, phase: 'database' | 'storage') {
    const subscriber = {
      start(call: Call) {
        call.startedAt = performance.now()
      },
      asyncEnd({ startedAt }: Call) {
        const timing = store.getStore()
        if (timing && startedAt !== undefined) timing[phase] += performance.now() - startedAt
      }
    } as Parameters<typeof channel.subscribe>[0]
    channel.subscribe(subscriber)
    app.addHook('onClose', async () => {
      channel.unsubscribe(subscriber)
    })
  }
  measure(databaseCalls as TracingChannel<unknown, Call>, 'database')
  measure(storageCalls as TracingChannel<unknown, Call>, 'storage')
}

function describe({ startedAt, auth, database, storage }: Timing): string {
  const total = performance.now() - startedAt
  return Object.entries({ auth: auth ?? total, database, storage, total })
    .map(([phase, ms]) => `${phase};dur=${ms.toFixed(1)}`)
    .join(', ')
}

export default fp(serverTiming, { name: 'server-timing' })
