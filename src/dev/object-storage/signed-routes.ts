import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Buckets } from './buckets.ts'
import { assertKey } from './limits.ts'
import { BucketParams, ObjectParams, toRef } from './object-params.ts'
import type { ObjectRef, Objects } from './objects.ts'
import { receiveUpload, acceptBodiesAsStreams } from './receive-upload.ts'
import { toStored } from './rows.ts'
import { sendObject } from './send-object.ts'
import type { SignedTokens } from './signed-tokens.ts'

const LifeSchema = Type.Object({ expiresIn: Type.Integer({ minimum: 1 }) })
const ManySchema = Type.Composite([
  LifeSchema,
  Type.Object({ paths: Type.Array(Type.String(), { minItems: 1, maxItems: 1000 }) })
])
const TokenSchema = Type.Object({ token: Type.String(), download: Type.Optional(Type.String()) })
const NOT_FOUND = 'Either the object does not exist or you do not have access to it'

/** `/object/sign` and `/object/upload/sign`: with the service key, create URLs that work without it. */
export function signingRoutes(objects: Objects, tokens: SignedTokens): FastifyPluginAsyncTypebox {
  // The key is not encoded here, because storage-js encodes the whole URL.
  const toSignedUrl = (ref: ObjectRef, seconds: number) =>
    `/object/sign/${ref.bucketId}/${ref.name}?token=${tokens.forDownload(ref, seconds)}`

  return async function routes(app) {
    app.post(
      '/object/sign/:bucketId/*',
      { schema: { params: ObjectParams, body: LifeSchema } },
      ({ params, body }) => {
        const ref = toRef(params)
        assertKey(ref.name)
        objects.find(ref)
        return { signedURL: toSignedUrl(ref, body.expiresIn) }
      }
    )

    app.post(
      '/object/sign/:bucketId',
      { schema: { params: BucketParams, body: ManySchema } },
      ({ params, body }) =>
        body.paths.map((path) => {
          const ref = { ...params, name: path }
          return objects.has(ref)
            ? { error: null, path, signedURL: toSignedUrl(ref, body.expiresIn) }
            : { error: NOT_FOUND, path, signedURL: null }
        })
    )

    // Only the upload itself checks the characters of the key, as on the real server.
    app.post(
      '/object/upload/sign/:bucketId/*',
      { schema: { params: ObjectParams } },
      ({ params, headers }) => {
        const ref = toRef(params)
        const upsert = headers['x-upsert'] === 'true'
        objects.assertVacant(ref, { upsert })
        const token = tokens.forUpload(ref, { upsert })
        return { url: `/object/upload/sign/${ref.bucketId}/${ref.name}?token=${token}`, token }
      }
    )
  }
}

/** The signed URLs: download and upload with the token alone, for public and private buckets. */
export function signedRoutes(
  buckets: Buckets,
  objects: Objects,
  tokens: SignedTokens
): FastifyPluginAsyncTypebox {
  const schema = { params: ObjectParams, querystring: TokenSchema }

  return async function routes(app) {
    acceptBodiesAsStreams(app)

    app.route({
      method: ['GET', 'HEAD'],
      url: '/object/sign/:bucketId/*',
      schema,
      handler(request, reply) {
        const ref = toRef(request.params)
        const { exp } = tokens.check(request.query.token, 'download', ref)
        return sendObject(request, reply, { objects, ref, expires: new Date(exp * 1000) })
      }
    })

    app.put('/object/upload/sign/:bucketId/*', { schema }, async (request) => {
      const ref = toRef(request.params)
      const { upsert = false } = tokens.check(request.query.token, 'upload', ref)
      const { Key } = toStored(await receiveUpload(request, { buckets, objects }, { ...ref, upsert }))
      return { Key }
    })
  }
}
