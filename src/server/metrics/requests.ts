import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problems } from '../../contract/problem.ts'
import { toApiError } from '../http/problems/to-api-error.ts'
import type { Instruments } from './instruments.ts'

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const SAVES = new Set(['/api/sessions', '/v0/api/sessions'])
const LEASE_LOST = 'lease_lost'

/** Counts each request when its answer has left, or its client. A route is its pattern, so that labels are few. */
export function countRequests(app: FastifyInstance, { counter, histogram, reading }: Instruments): void {
  const requests = counter('http_requests_total', 'Requests', ['method', 'route', 'status'])
  const duration = histogram(
    'http_request_duration_seconds',
    'Time from the headers to the end of the answer',
    {
      labels: ['method', 'route'],
      buckets: BUCKETS
    }
  )
  const saves = counter('saves_total', 'Saves of sessions', ['outcome'])
  const limited = counter('rate_limited_total', 'Requests refused with 429', ['limit'])
  const errors = counter('problems_total', 'Errors by the code of the problem', ['code'])
  const lost = counter('leases_lost_total', 'Requests that lost the lease of their session')
  for (const code in problems) errors.inc({ code }, 0)

  let inFlight = 0
  reading('http_requests_in_flight', 'Requests without a complete answer', { read: () => inFlight })

  app.addHook('onRequest', (request, reply, done) => {
    inFlight++
    reply.raw.once('close', () => {
      inFlight--
      count(request, reply)
    })
    done()
  })
  app.addHook('onError', (_request, _reply, error: FastifyError, done) => {
    const { code, reason } = toApiError(error)
    errors.inc({ code })
    if (reason === LEASE_LOST) lost.inc()
    done()
  })

  function count(request: FastifyRequest, reply: FastifyReply) {
    const route = request.routeOptions.url ?? 'unknown'
    const method = route === 'unknown' ? 'any' : request.method // Node.js knows about forty methods
    const { statusCode, writableFinished } = reply.raw
    const status = writableFinished ? statusCode : 'aborted'
    requests.inc({ method, route, status })
    duration.observe({ method, route }, reply.elapsedTime / 1000)
    if (method === 'POST' && SAVES.has(route)) saves.inc({ outcome: outcomeOf(status) })
    if (reply.isShed) errors.inc({ code: 'server_busy' })
    if (status === 429) limited.inc({ limit: request.user ? 'user' : 'address' })
  }
}

function outcomeOf(status: number | 'aborted') {
  if (status === 'aborted') return status
  if (status === 201) return 'created'
  if (status < 400) return 'repeated'
  return status < 500 ? 'refused' : 'failed'
}
