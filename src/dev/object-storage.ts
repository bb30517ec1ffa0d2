import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import cors from '@fastify/cors'
import fastify from 'fastify'
import { requireKey } from './object-storage/auth.ts'
import { bucketRoutes } from './object-storage/bucket-routes.ts'
import { createBuckets } from './object-storage/buckets.ts'
import { openCatalog } from './object-storage/catalog.ts'
import { resumableRoutes } from './object-storage/resumable-routes.ts'
import { createResumableUploads } from './object-storage/resumable-uploads.ts'
import { answerError } from './object-storage/errors.ts'
import { objectRoutes } from './object-storage/object-routes.ts'
import { openObjects } from './object-storage/objects.ts'
import { signedRoutes, signingRoutes } from './object-storage/signed-routes.ts'
import { createSignedTokens } from './object-storage/signed-tokens.ts'
import { publicRoutes, transferRoutes } from './object-storage/transfer-routes.ts'

export interface ObjectStorageOptions {
  /** Directory of bytes and metadata. The caller must make sure that only one process uses it. */
  directory: string
  serviceKey: string
  /** Largest file in bytes that the project allows; 50 MB by default, as in a free project of Supabase. */
  maxFileSize?: number
  host?: string
  port?: number
}

export interface ObjectStorage {
  /** The project URL: the API is under `/storage/v1`. */
  url: string
  close(): Promise<void>
}

const API = '/storage/v1'

/** Starts a local stand-in for hosted Supabase Storage, on any free port unless one is given. */
export async function startObjectStorage(options: ObjectStorageOptions): Promise<ObjectStorage> {
  const { directory, serviceKey, maxFileSize = 50 * 1024 * 1024, host = '127.0.0.1', port = 0 } = options
  const catalog = openCatalog(join(directory, 'journal.jsonl'))
  const buckets = createBuckets(catalog, maxFileSize)
  const objects = openObjects(join(directory, 'objects'), catalog)
  const tokens = createSignedTokens(serviceKey)
  const resumable = join(directory, 'resumable')
  mkdirSync(resumable, { recursive: true })
  const uploads = createResumableUploads({
    directory: resumable,
    path: `${API}/upload/resumable`,
    buckets,
    objects,
    tokens
  })

  const app = fastify({
    logger: { level: 'error' },
    forceCloseConnections: true, // a stalled upload must not delay the shutdown
    ajv: { customOptions: { coerceTypes: false } } // otherwise null as a bucket's limit would become 0
  })
  app.setErrorHandler(answerError)
  await app.register(cors, { origin: '*', methods: '*' }) // as the gateway of hosted Supabase does
  await app.register(
    async (api) => {
      await api.register(publicRoutes(buckets, objects))
      await api.register(signedRoutes(buckets, objects, tokens))
      await api.register(resumableRoutes(uploads, { isSigned: true }))
      await api.register(async (guarded) => {
        guarded.addHook('onRequest', requireKey(serviceKey))
        await guarded.register(bucketRoutes(buckets, objects))
        await guarded.register(objectRoutes(objects))
        await guarded.register(signingRoutes(objects, tokens))
        await guarded.register(transferRoutes(buckets, objects))
        await guarded.register(resumableRoutes(uploads, { isSigned: false }))
      })
    },
    { prefix: API }
  )

  const url = await app.listen({ host, port })
  return { url, close: () => app.close() }
}
