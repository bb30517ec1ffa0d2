import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { createStorage, type Storage } from './storage.ts'

declare module 'fastify' {
  interface FastifyInstance {
    storage: Storage
  }
}

async function storage(
  app: FastifyInstance,
  { config }: { config: Pick<Config, 'storage' | 'maxRecordingBytes'> }
) {
  const instance = createStorage(config.storage, config)
  app.decorate('storage', instance)
  app.addHook('onClose', () => instance.close())
}

export default fp(storage, { name: 'storage' })
