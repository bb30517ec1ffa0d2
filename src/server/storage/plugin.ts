import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { prepareBucket } from './prepare-bucket.ts'
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
  const closing = new AbortController()
  app.decorate('storage', instance)
  app.addHook('onReady', async () => {
    prepareBucket(instance, app.log, closing.signal).catch((error) => {
      if (!closing.signal.aborted) app.log.error(error)
    })
  })
  app.addHook('onClose', async () => {
    closing.abort()
    await instance.close()
  })
}

export default fp(storage, { name: 'storage' })
