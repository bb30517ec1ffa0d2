import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** A bucket as the API shows it. */
export interface Bucket {
  id: string
  name: string
  owner: string
  public: boolean
  file_size_limit: number | null
  allowed_mime_types: string[] | null
  created_at: string
  updated_at: string
}

/** What is known of an object. `version` names the file with its bytes, which is written once and never changed. */
export interface StoredObject {
  id: string
  bucketId: string
  name: string
  version: string
  size: number
  eTag: string
  contentType: string
  cacheControl: string
  userMetadata: Record<string, unknown> | null
  createdAt: string
  updatedAt: string
}

/** One change. Applying all of them in order gives the state. */
export type Change =
  | { type: 'bucket-saved', bucket: Bucket }
  | { type: 'bucket-emptied', bucketId: string }
  | { type: 'bucket-deleted', bucketId: string }
  | { type: 'object-saved', object: StoredObject }
  | { type: 'object-removed', bucketId: string, name: string }

// A record begins with its line feed, so that a torn one (a full disk) spoils only itself, not the next.
function toRecords (changes: Iterable<Change>) {
  let records = ''
  for (const change of changes) records += `\n${JSON.stringify(change)}`
  return records
}

function parseRecord (line: string): Change[] {
  try {
    return [JSON.parse(line) as Change]
  } catch {
    return []
  }
}

/**
 * The append-only file that holds all metadata. A change is made by one synchronous write: it costs some
 * 20 microseconds, a `kill -9` leaves it whole or absent, and nothing can come between it and the index in memory.
 * It is not flushed to the disk: this is a development server, and only a power failure would tell.
 */
export function openJournal (path: string) {
  return {
    read (): Change[] {
      if (!existsSync(path)) return []
      return readFileSync(path, 'utf8').split('\n').flatMap(parseRecord)
    },
    append (changes: Change[]) {
      appendFileSync(path, toRecords(changes))
    },
    replace (changes: Iterable<Change>) {
      writeFileSync(`${path}.new`, toRecords(changes))
      renameSync(`${path}.new`, path)
    }
  }
}
