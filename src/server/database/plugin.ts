import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { createDatabase, type Database } from './client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    database: Database
  }
}

async function database(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const instance = createDatabase(config.database, { log: app.log })
  app.decorate('database', instance)
  app.addHook('onClose', () => instance.close())
}

export default fp(database, { name: 'database' })
