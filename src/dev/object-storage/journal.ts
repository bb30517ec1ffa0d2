import { appendFileSync, closeSync, existsSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

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

/** Metadata of an object. `version` names the file with its bytes, which is written once and never changed. */
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
  | { type: 'bucket-saved'; bucket: Bucket }
  | { type: 'bucket-emptied'; bucketId: string }
  | { type: 'bucket-deleted'; bucketId: string }
  | { type: 'object-saved'; object: StoredObject }
  | { type: 'object-removed'; bucketId: string; name: string }
  | { type: 'object-moved'; from: { bucketId: string; name: string }; object: StoredObject }

// A record begins with its line feed, so that a torn one (a full disk) spoils only itself, not the next.
const toRecord = (change: Change) => `\n${JSON.stringify(change)}`

function parseRecord(line: string): Change | undefined {
  try {
    return JSON.parse(line) as Change
  } catch {
    return undefined
  }
}

const PIECE_BYTES = 1024 * 1024

/** The lines of a file, read piece by piece: it may be larger than the longest string there can be. */
function* readLines(path: string): Generator<string> {
  const file = openSync(path, 'r')
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    const decoder = new StringDecoder()
    let rest = ''
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece)) {
      const lines = (rest + decoder.write(piece.subarray(0, size))).split('\n')
      rest = lines.pop()!
      yield* lines
    }
    yield rest
  } finally {
    closeSync(file)
  }
}

/**
 * The append-only file that holds all metadata. A change is made by one synchronous write: it costs some
 * 20 microseconds, a `kill -9` leaves it whole or absent, and nothing can come between it and the index in memory.
 * It is not flushed to the disk: this is a development server, and only a power failure would tell.
 */
export function openJournal(path: string) {
  return {
    *read(): Generator<Change> {
      if (!existsSync(path)) return
      for (const line of readLines(path)) {
        const change = parseRecord(line)
        if (change) yield change
      }
    },
    append(changes: Change[]) {
      appendFileSync(path, changes.map(toRecord).join(''))
    },
    replace(changes: Iterable<Change>) {
      const file = openSync(`${path}.new`, 'w')
      try {
        for (const change of changes) writeFileSync(file, toRecord(change))
      } finally {
        closeSync(file)
      }
      renameSync(`${path}.new`, path)
    }
  }
}
