import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { createStorage, type Storage } from './recordings-bucket.ts'

declare module 'fastify' {
  interface FastifyInstance {
    storage: Storage
  }
}

/** Prepares the bucket beside the start, again and again until it is there: reads need no storage and must not wait. */
async function prepare(storage: Storage, log: FastifyBaseLogger, signal: AbortSignal) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 30_000)) {
    try {
      const mismatch = await storage.ensureBucket()
      if (mismatch) log.error(mismatch)
      return
    } catch (error) {
      log.error({ err: error }, 'The storage cannot be reached; recordings cannot be saved until it is')
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait)
        signal.addEventListener(
          'abort',
          () => {
            clearTimeout(timer)
            resolve(undefined)
          },
          { once: true }
        )
      })
    }
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
    prepare(instance, app.log, closing.signal).catch((error) => app.log.error(error))
  })
  app.addHook('onClose', async () => {
    closing.abort()
    await instance.close()
  })
}

export default fp(storage, { name: 'storage' })
