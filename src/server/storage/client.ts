import { StorageClient } from '@supabase/storage-js'
import type { Config } from '../config.ts'
import { unavailable } from './errors.ts'
import { createStorageFetch } from './fetch.ts'

/** A range of an object: bytes `start` to before `end`. */
export type ByteRange = { bucket: string; key: string; start: number; end: number; signal: AbortSignal }

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
        throw unavailable(cause)
      })
      if (response.status !== 206) {
        throw unavailable(new Error(`Expected status 206 for a byte range, got ${response.status}`))
      }
      return Buffer.from(await response.arrayBuffer())
    },

    close
  }
}
