import { StorageClient } from '@supabase/storage-js'
import type { Config } from '../config.ts'
import { toStorageError } from './errors.ts'
import { createStorageFetch } from './fetch.ts'

/** A range of an object: bytes `start` to before `end`. */
export type ByteRange = { bucket: string; key: string; start: number; end: number; signal: AbortSignal }

type Place = { bucket: string; key: string }
type Copy = { from: Place; to: Place; cacheControl: string; contentType: string }

/** Access to one storage server, for the buckets. */
export type StorageConnection = ReturnType<typeof connectToStorage>

/** The clients of one storage server. They share connections and time limits. */
export function connectToStorage({
  url,
  serviceKey,
  timeoutMs
}: Pick<Config['storage'], 'url' | 'serviceKey' | 'timeoutMs'>) {
  const { fetch, close } = createStorageFetch(timeoutMs)
  const baseUrl = `${url}/storage/v1`
  const headers = { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }

  return {
    /** Where clients upload by TUS with a signed token. */
    resumableUrl: `${baseUrl}/upload/resumable/sign`,

    client: new StorageClient(baseUrl, headers, fetch),

    /** A client whose requests end with `signal`. storage-js takes no signal for an upload. */
    clientWithSignal: (signal: AbortSignal) =>
      new StorageClient(baseUrl, headers, (input, init) => fetch(input, { ...init, signal })),

    /** @throws {ApiError} storage_unavailable, also when the object is missing or shorter than `start` */
    async readRange({ bucket, key, start, end, signal }: ByteRange): Promise<Buffer> {
      const response = await fetch(`${baseUrl}/object/${bucket}/${key}`, {
        signal,
        headers: { ...headers, range: `bytes=${start}-${end - 1}` }
      }).catch((cause) => {
        throw toStorageError(cause)
      })
      if (response.status !== 206) {
        throw toStorageError(new Error(`Expected status 206 for a byte range, got ${response.status}`))
      }
      return Buffer.from(await response.arrayBuffer())
    },

    /**
     * Copies an object and gives the copy other headers, which storage-js cannot do.
     * @returns what storage-js would return
     */
    async copy({ from, to, cacheControl, contentType }: Copy): Promise<{ error: unknown }> {
      const response = await fetch(`${baseUrl}/object/copy`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({
          bucketId: from.bucket,
          sourceKey: from.key,
          destinationBucket: to.bucket,
          destinationKey: to.key,
          copyMetadata: false,
          metadata: { cacheControl, mimetype: contentType }
        })
      }).catch((cause) => {
        throw toStorageError(cause)
      })
      if (response.ok) return { error: null }
      const answer = (await response.json().catch(() => ({}))) as { message?: string; statusCode?: string }
      const error = new Error(answer.message ?? `The storage answers ${response.status}`)
      return { error: Object.assign(error, { status: response.status, statusCode: answer.statusCode }) }
    },

    close
  }
}
