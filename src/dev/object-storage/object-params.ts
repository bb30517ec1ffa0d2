import { Type, type Static } from '@sinclair/typebox'
import type { ObjectRef } from './objects.ts'

/** A path that ends with the bucket. */
export const BucketParams = Type.Object({ bucketId: Type.String() })

/** A path that ends with the bucket and, whatever it contains, the key. */
export const ObjectParams = Type.Object({ bucketId: Type.String(), '*': Type.String() })

export const toRef = (params: Static<typeof ObjectParams>): ObjectRef => ({
  bucketId: params.bucketId,
  name: params['*']
})
