import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from '@sinclair/typebox'
import { errors } from './errors.ts'
import { assertKey } from './limits.ts'
import { listLevel, listPage } from './listing.ts'
import { BucketParams, ObjectParams, toRef } from './object-params.ts'
import type { Objects } from './objects.ts'
import { toInfo, toRemovedRow, toStored } from './rows.ts'

const SortSchema = Type.Object({ column: Type.Optional(Type.String()), order: Type.Optional(Type.String()) })
const RemoveSchema = Type.Object({ prefixes: Type.Array(Type.String(), { minItems: 1 }) })
const ListSchema = Type.Object({
  prefix: Type.String(),
  limit: Type.Integer({ minimum: 1, default: 100 }),
  offset: Type.Integer({ minimum: 0, default: 0 }),
  sortBy: Type.Optional(SortSchema),
  search: Type.Optional(Type.String())
})
const ListV2Schema = Type.Object({
  prefix: Type.String({ default: '' }),
  limit: Type.Integer({ minimum: 1, default: 1000 }),
  cursor: Type.Optional(Type.String()),
  with_delimiter: Type.Boolean({ default: false }),
  sortBy: Type.Optional(SortSchema)
})
const RelocationSchema = Type.Object({
  bucketId: Type.String(),
  sourceKey: Type.String(),
  destinationBucket: Type.Optional(Type.String()),
  destinationKey: Type.String()
})
const CopySchema = Type.Composite([
  RelocationSchema,
  Type.Object({
    copyMetadata: Type.Boolean({ default: true }),
    metadata: Type.Optional(
      Type.Object({ cacheControl: Type.Optional(Type.String()), mimetype: Type.Optional(Type.String()) })
    )
  })
])

function toSourceAndTarget({
  bucketId,
  sourceKey,
  destinationBucket = bucketId,
  destinationKey
}: Static<typeof RelocationSchema>) {
  assertKey(destinationKey)
  assertKey(sourceKey)
  return { from: { bucketId, name: sourceKey }, to: { bucketId: destinationBucket, name: destinationKey } }
}

/** `/object`: read the metadata of objects; list, move, copy and remove objects. */
export function objectRoutes(objects: Objects): FastifyPluginAsyncTypebox {
  return async function routes(app) {
    app.get('/object/info/:bucketId/*', { schema: { params: ObjectParams } }, ({ params }) =>
      toInfo(objects.find(toRef(params)))
    )

    app.post('/object/move', { schema: { body: RelocationSchema } }, ({ body }) => {
      const { from, to } = toSourceAndTarget(body)
      objects.move(from, to)
      return { message: 'Successfully moved' }
    })

    app.post('/object/copy', { schema: { body: CopySchema } }, async ({ body, headers }) => {
      const { from, to } = toSourceAndTarget(body)
      const metadata = body.copyMetadata ? undefined : { ...body.metadata }
      return toStored(await objects.copy(from, to, { upsert: headers['x-upsert'] === 'true', metadata }))
    })

    // `prefixes` are whole keys. A missing bucket, a missing object and an invalid key are no errors.
    app.delete(
      '/object/:bucketId',
      { schema: { params: BucketParams, body: RemoveSchema } },
      async ({ params, body }) => {
        const removed = await objects.remove(params.bucketId, body.prefixes)
        return removed.map(toRemovedRow)
      }
    )

    app.post(
      '/object/list/:bucketId',
      { schema: { params: BucketParams, body: ListSchema } },
      ({ params, body }) => {
        const index = objects.indexOf(params.bucketId)
        return index ? listLevel(index, body) : []
      }
    )

    app.post(
      '/object/list-v2/:bucketId',
      { schema: { params: BucketParams, body: ListV2Schema } },
      ({ params, body }) => {
        const { sortBy, limit, with_delimiter: delimited, ...query } = body
        if (sortBy && (sortBy.column !== 'name' || sortBy.order === 'desc')) {
          throw errors.invalidParameter('The development storage lists by ascending name only')
        }
        const index = objects.indexOf(params.bucketId)
        return index
          ? listPage(index, { ...query, delimited, limit: Math.min(limit, 1000) })
          : { hasNext: false, folders: [], objects: [] }
      }
    )
  }
}
