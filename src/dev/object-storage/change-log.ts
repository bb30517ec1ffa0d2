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

/**
 * Metadata of an object. `version` names the file with its bytes, which is written once and never changed.
 */
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

// A record begins with its line feed. So an incomplete record (after a full disk) does not damage the next
// one.
const toRecord = (change: Change) => `\n${JSON.stringify(change)}`

function parseRecord(line: string): Change | undefined {
  try {
    return JSON.parse(line) as Change
  } catch {
    return undefined
  }
}

const PIECE_BYTES = 1024 * 1024

/** The lines of a file. Reads it in pieces, because it may be larger than the longest possible string. */
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
 * The append-only file with all metadata. Each change is one synchronous write of about 20 microseconds.
 * After a `kill -9` it is complete or missing, and no other change can happen between the write and the
 * update in memory. It is not flushed to the disk, so a power failure may lose changes. A development server
 * can accept that.
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
