import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Buckets } from './buckets.ts'
import { errors } from './errors.ts'
import { ObjectParams, toRef } from './object-params.ts'
import type { Objects } from './objects.ts'
import { receiveUpload, acceptBodiesAsStreams } from './receive-upload.ts'
import { toStored } from './rows.ts'
import { sendObject } from './send-object.ts'

const schema = { params: ObjectParams }

/** `/object/{bucket}/{key}`: download and upload with the service key. */
export function transferRoutes(buckets: Buckets, objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes(app) {
    acceptBodiesAsStreams(app)

    app.route({
      method: ['POST', 'PUT'],
      url: '/object/:bucketId/*',
      schema,
      async handler(request) {
        const upsert = request.method === 'PUT' || request.headers['x-upsert'] === 'true'
        return toStored(
          await receiveUpload(request, { buckets, objects }, { ...toRef(request.params), upsert })
        )
      }
    })

    app.route({
      method: ['GET', 'HEAD'],
      url: '/object/:bucketId/*',
      schema,
      handler: (request, reply) => sendObject(request, reply, { objects, ref: toRef(request.params) })
    })
  }
}

/**
 * `/object/public/{bucket}/{key}`: download without a key. A private bucket gets the error of a missing one.
 */
export function publicRoutes(buckets: Buckets, objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes(app) {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/object/public/:bucketId/*',
      schema,
      handler(request, reply) {
        if (!buckets.find(request.params.bucketId).public) throw errors.noSuchBucket()
        return sendObject(request, reply, { objects, ref: toRef(request.params) })
      }
    })
  }
}
