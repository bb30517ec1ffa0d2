import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { StorageClient, type StorageError } from '@supabase/storage-js'
import type { Test } from 'tap'
import { startObjectStorage } from '../../src/dev/object-storage.ts'

const serviceKey = 'sb_secret_of-the-tests'
export const headers = { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }
export const webm = { contentType: 'audio/webm' }

export async function start(t: Test, directory = t.testdir({})) {
  const { url, close } = await startObjectStorage({ directory, serviceKey })
  t.teardown(close)
  const client = new StorageClient(`${url}/storage/v1`, headers)
  const api = (path: string, init?: RequestInit) => fetch(`${url}/storage/v1${path}`, { headers, ...init })
  return { url, close, client, api, directory, files: () => readdirSync(join(directory, 'objects')) }
}

export async function startWithBucket(
  t: Test,
  options: Parameters<StorageClient['createBucket']>[1] = { public: true }
) {
  const storage = await start(t)
  t.equal((await storage.client.createBucket('songs', options)).error, null)
  return { ...storage, songs: storage.client.from('songs') }
}

// Checks the error of storage-js for an application error: HTTP 400, with the error's own status in
// `statusCode`.
export function isStorageError(t: Test, error: StorageError | null, statusCode: string) {
  t.match(error, { name: 'StorageApiError', status: 400, statusCode })
}

export function publicUrl(songs: ReturnType<StorageClient['from']>, key: string) {
  return songs.getPublicUrl(key).data.publicUrl
}

export async function text(blob: Blob | null) {
  return await blob?.text()
}
