import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Forbids caches to store answers about a person (RFC 9111, 5.2.2.5), except for those that set
 * `Cache-Control` themselves.
 */
async function noStore(app: FastifyInstance) {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    done()
  })
}

export default fp(noStore, { name: 'no-store' })
