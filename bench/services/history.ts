import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBuckets } from '../../src/dev/object-storage/buckets.ts'
import { openCatalog } from '../../src/dev/object-storage/catalog.ts'
import type { Change } from '../../src/dev/object-storage/change-log.ts'
import { query } from './database.ts'

const SESSIONS_PER_USER = 100
const RECORDS_PER_WRITE = 1000
const EMPTY_ETAG = '"d41d8cd98f00b204e9800998ecf8427e"'

/**
 * Inserts `count` sessions with recordings, 100 per user.
 * @returns the keys of the recordings
 */
export async function createSessions(databaseUrl: string, count: number): Promise<string[]> {
  const perUser = Math.min(count, SESSIONS_PER_USER)
  await query(
    databaseUrl,
    `
    INSERT INTO users (auth0_id, email)
    SELECT 'auth0|bench-' || n, 'bench@example.com' FROM generate_series(1, $1::int) n`,
    [Math.ceil(count / perUser)]
  )
  const rows = await query<{ key: string }>(
    databaseUrl,
    `
    INSERT INTO sessions (id, user_id, song_name, instrument, duration_seconds, audio_url)
    SELECT id, user_id, 'Ode to Joy', 'Piano', 60, 'https://storage.example/' || user_id || '/' || id || '.webm'
    FROM (SELECT users.id AS user_id, gen_random_uuid() AS id FROM users, generate_series(1, $1::int) LIMIT $2) ids
    RETURNING user_id || '/' || id || '.webm' AS key`,
    [perUser, count]
  )
  return rows.map(({ key }) => key)
}

/**
 * Writes a data directory of the embedded storage: one bucket, with an empty object from yesterday under each
 * key.
 */
export function writeStorage(directory: string, bucketId: string, keys: string[]) {
  const objects = join(directory, 'objects')
  mkdirSync(objects, { recursive: true })
  const catalog = openCatalog(join(directory, 'journal.jsonl'))
  createBuckets(catalog).create({
    id: bucketId,
    name: bucketId,
    public: true,
    file_size_limit: null,
    allowed_mime_types: null
  })

  for (let at = 0; at < keys.length; at += RECORDS_PER_WRITE) {
    const changes = keys.slice(at, at + RECORDS_PER_WRITE).map((name) => emptyObject(bucketId, name))
    // At start the storage removes objects without a file.
    for (const {
      object: { version }
    } of changes) {
      writeFileSync(join(objects, version), '')
    }
    catalog.commit(changes)
  }
}

function emptyObject(bucketId: string, name: string): Extract<Change, { type: 'object-saved' }> {
  const yesterday = new Date(Date.now() - 24 * 3_600_000).toISOString()
  return {
    type: 'object-saved',
    object: {
      id: randomUUID(),
      bucketId,
      name,
      version: randomUUID(),
      size: 0,
      eTag: EMPTY_ETAG,
      contentType: 'audio/webm',
      cacheControl: 'no-cache',
      userMetadata: null,
      createdAt: yesterday,
      updatedAt: yesterday
    }
  }
}
