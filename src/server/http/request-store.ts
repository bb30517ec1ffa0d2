import type { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Runs the work of each request within `store`, with the value that `create` gives it; undefined leaves the request
 * out. Register it before the routes.
 * @returns finds the value of a request
 */
export function storePerRequest<Value>(
  app: FastifyInstance,
  store: AsyncLocalStorage<Value | undefined>,
  create: (request: FastifyRequest, reply: FastifyReply) => Value | undefined
): (request: FastifyRequest) => Value | undefined {
  const values = new WeakMap<FastifyRequest, Value & object>()

  app.addHook('onRequest', (request, reply, done) => {
    const value = create(request, reply)
    if (value === undefined) return done()
    values.set(request, value as Value & object)
    store.run(value, done)
  })

  // The events of a body run in the context of its connection, so the store is entered again.
  app.addHook('preValidation', (request, _reply, done) => {
    const value = values.get(request)
    if (value === undefined) done()
    else store.run(value, done)
  })

  return (request) => values.get(request)
}
