import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from '@sinclair/typebox'
import type { Buckets } from './buckets.ts'
import type { Bucket } from './change-log.ts'
import { assertBucketName, assertMimeRules, parseFileSize } from './limits.ts'
import { BucketParams } from './object-params.ts'
import type { Objects } from './objects.ts'

const SettingsSchema = Type.Object({
  public: Type.Optional(Type.Boolean()),
  file_size_limit: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String(), Type.Null()])),
  allowed_mime_types: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()]))
})
const CreateSchema = Type.Composite([
  SettingsSchema,
  Type.Object({ id: Type.Optional(Type.String()), name: Type.String() })
])

function toSettings(body: Static<typeof SettingsSchema>) {
  const { file_size_limit: limit, allowed_mime_types: rules } = body
  if (rules) assertMimeRules(rules)
  const settings: Partial<Bucket> = {}
  if (body.public !== undefined) settings.public = body.public
  if (limit !== undefined) settings.file_size_limit = limit === null ? null : parseFileSize(limit)
  if (rules !== undefined) settings.allowed_mime_types = rules
  return settings
}

/** `/bucket`: create, list, read, change, empty and delete buckets. */
export function bucketRoutes(buckets: Buckets, objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes(app) {
    app.get('/bucket', () => buckets.list())

    app.post('/bucket', { schema: { body: CreateSchema } }, ({ body }) => {
      const { name, id = name } = body
      assertBucketName(id)
      buckets.create({
        public: false,
        file_size_limit: null,
        allowed_mime_types: null,
        ...toSettings(body),
        id,
        name
      })
      return { name }
    })

    app.get('/bucket/:bucketId', { schema: { params: BucketParams } }, ({ params }) =>
      buckets.find(params.bucketId)
    )

    app.put(
      '/bucket/:bucketId',
      { schema: { params: BucketParams, body: SettingsSchema } },
      ({ params, body }) => {
        buckets.update(params.bucketId, toSettings(body))
        return { message: 'Successfully updated' }
      }
    )

    app.post('/bucket/:bucketId/empty', { schema: { params: BucketParams } }, async ({ params }) => {
      await objects.empty(params.bucketId)
      return { message: 'Empty bucket has been queued. Completion may take up to an hour.' }
    })

    app.delete('/bucket/:bucketId', { schema: { params: BucketParams } }, ({ params }) => {
      buckets.delete(params.bucketId)
      return { message: 'Successfully deleted' }
    })
  }
}
