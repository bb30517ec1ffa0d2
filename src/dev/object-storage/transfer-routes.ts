import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from '@sinclair/typebox'
import type { Buckets } from './buckets.ts'
import { errors } from './errors.ts'
import type { Objects } from './objects.ts'
import { receiveUpload } from './receive-upload.ts'
import { sendObject } from './send-object.ts'

const ParamsSchema = Type.Object({ bucketId: Type.String(), '*': Type.String() })
const schema = { params: ParamsSchema }

const toRef = (params: Static<typeof ParamsSchema>) => ({ bucketId: params.bucketId, name: params['*'] })

/** `/object/{bucket}/{key}`: bytes in both directions, with the service key. */
export function transferRoutes (buckets: Buckets, objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes (app) {
    // Bodies of every type are taken as they come, as a stream.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (request, payload, done) => done(null))

    app.route({
      method: ['POST', 'PUT'],
      url: '/object/:bucketId/*',
      schema,
      async handler (request) {
        const upsert = request.method === 'PUT' || request.headers['x-upsert'] === 'true'
        const object = await receiveUpload(request, { buckets, objects }, { ...toRef(request.params), upsert })
        return { Id: object.id, Key: `${object.bucketId}/${object.name}` }
      }
    })

    app.route({
      method: ['GET', 'HEAD'],
      url: '/object/:bucketId/*',
      schema,
      handler: (request, reply) => sendObject(request, reply, objects, toRef(request.params))
    })
  }
}

/** `/object/public/{bucket}/{key}`: what anybody may read. A private bucket is not there. */
export function publicRoutes (buckets: Buckets, objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes (app) {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/object/public/:bucketId/*',
      schema,
      handler (request, reply) {
        if (!buckets.find(request.params.bucketId).public) throw errors.noSuchBucket()
        return sendObject(request, reply, objects, toRef(request.params))
      }
    })
  }
}
