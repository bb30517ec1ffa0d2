import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { StorageClient, type StorageError } from '@supabase/storage-js'
import type { Test } from 'tap'
import { startObjectStorage } from '../../src/dev/object-storage.ts'

/** A real server to test, by its project URL, instead of the embedded one. docs/embedded-storage.md tells more. */
const remoteUrl = process.env['TEST_STORAGE_URL']
const serviceKey = process.env['TEST_STORAGE_KEY'] ?? 'sb_secret_of-the-tests'

export const headers = { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }
export const webm = { contentType: 'audio/webm' }

/** Buckets of the tests. On a real server, their content is deleted before each test. */
const BUCKETS = ['songs', 'private', 'staging', 'other', 'emptied', 'deleted', 'sized', 'typed']

/** Whether the clock of the storage is that of the tests. */
export const isEmbedded = remoteUrl === undefined

/** Option of tests that look into the embedded storage: its files, its clock or its process. */
export const embeddedOnly = { skip: remoteUrl !== undefined && 'concerns the embedded storage only' }

/** Option of tests with an answer of hosted Supabase that a server alone does not give. */
export const differs = (reason: string) => ({ skip: remoteUrl !== undefined && reason })

export async function start(t: Test, directory = t.testdir({})) {
  const { url, close } = remoteUrl
    ? { url: remoteUrl, close: async () => {} }
    : await startObjectStorage({ directory, serviceKey })
  t.teardown(close)
  const client = new StorageClient(`${url}/storage/v1`, headers)
  if (remoteUrl) await deleteBuckets(client)
  const api = (path: string, init?: RequestInit) => fetch(`${url}/storage/v1${path}`, { headers, ...init })
  const files = () => readdirSync(join(directory, 'objects'))
  return {
    url,
    close,
    client,
    api,
    directory,
    files,
    /** Checks how many files the embedded storage keeps. */
    expectFiles(t: Test, count: number, message = `${count} files`) {
      if (!remoteUrl) t.equal(files().length, count, message)
    }
  }
}

async function deleteBuckets(client: StorageClient) {
  for (const bucket of BUCKETS) {
    await client.emptyBucket(bucket)
    await client.deleteBucket(bucket)
  }
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
