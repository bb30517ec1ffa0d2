import { Type, type Static } from '@sinclair/typebox'
import type { ObjectRef } from './objects.ts'

/** Parameters of a path that ends with the bucket. */
export const BucketParams = Type.Object({ bucketId: Type.String() })

/** Parameters of a path that ends with the bucket and the key. The key may contain slashes. */
export const ObjectParams = Type.Object({ bucketId: Type.String(), '*': Type.String() })

export const toRef = (params: Static<typeof ObjectParams>): ObjectRef => ({
  bucketId: params.bucketId,
  name: params['*']
})
