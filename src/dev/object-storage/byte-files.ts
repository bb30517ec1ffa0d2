import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A complete file. */
export interface WrittenBytes {
  version: string
  size: number
  eTag: string
}

export type ByteFiles = ReturnType<typeof openByteFiles>

/**
 * The files with the bytes of objects. Each is written once, under a new random name. File names contain no
 * part of a key, so no key can escape the directory or be too long for a file name.
 */
export function openByteFiles(directory: string) {
  mkdirSync(directory, { recursive: true })
  const pathOf = (version: string) => join(directory, version)

  return {
    /** Writes the stream to a new file. Deletes the file after a failure or an abort. */
    async write(source: Readable): Promise<WrittenBytes> {
      const version = randomUUID()
      const hash = createHash('md5') // the ETag of S3
      let size = 0
      async function* measure(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk)
          size += chunk.length
          yield chunk
        }
      }
      try {
        await pipeline(source, measure, createWriteStream(pathOf(version), { flags: 'wx' }))
      } catch (error) {
        await this.discard([version])
        throw error
      }
      return { version, size, eTag: `"${hash.digest('hex')}"` }
    },

    /**
     * Opens the file synchronously, so that no replacement can delete it between the look-up and the read.
     */
    read(version: string, range?: { start: number; end: number }): Readable {
      return createReadStream(pathOf(version), { ...range, fd: openSync(pathOf(version), 'r') })
    },

    /** Deletes files. If a deletion fails, the next start deletes the file. Open readers can finish. */
    async discard(versions: Iterable<string>) {
      for (const version of versions) await rm(pathOf(version), { force: true }).catch(() => {})
    },

    /**
     * Deletes files that are not in `known`, which a killed process has left. Returns the names of all files
     * found.
     */
    deleteUnknown(known: ReadonlySet<string>): ReadonlySet<string> {
      const present = new Set(readdirSync(directory))
      for (const name of present) {
        if (!known.has(name)) rmSync(pathOf(name), { force: true, recursive: true })
      }
      return present
    }
  }
}
