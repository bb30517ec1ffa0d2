import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { retryFor } from '../../contract/retry.ts'
import { createStorage, type Storage } from './recordings-bucket.ts'

declare module 'fastify' {
  interface FastifyInstance {
    storage: Storage
  }
}

/** Creates or checks the bucket in the background, until the storage answers. Reads need no storage and do not wait. */
async function prepareBucket(storage: Storage, log: FastifyBaseLogger, signal: AbortSignal): Promise<void> {
  const attempt = () =>
    storage.ensureBucket().catch((error) => {
      log.error({ err: error }, 'The storage is unavailable; recordings cannot be saved until it answers')
      throw error
    })
  const mismatch = await retryFor(attempt, { firstPauseMs: 1000, maxPauseMs: 30_000, signal })
  if (mismatch) log.error(mismatch)
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
