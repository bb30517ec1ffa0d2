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
 * Files of bytes, each written once under a new random name. No part of a key ever reaches the disk,
 * so no key can climb out of the directory or be too long for it.
 */
export function openByteFiles(directory: string) {
  mkdirSync(directory, { recursive: true })
  const pathOf = (version: string) => join(directory, version)

  return {
    /** Writes the stream to a new file. After a failure or an abort there is no file. */
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

    /** Opens at once, so that a replacement cannot delete the file between looking it up and reading it. */
    read(version: string, range?: { start: number; end: number }): Readable {
      return createReadStream(pathOf(version), { ...range, fd: openSync(pathOf(version), 'r') })
    },

    /** Deletes files; the next start deletes those that remain. Open readers can finish. */
    async discard(versions: Iterable<string>) {
      for (const version of versions) await rm(pathOf(version), { force: true }).catch(() => {})
    },

    /** Deletes files not in `known`: a killed process left them unfinished. Returns the names of all files found. */
    sweep(known: ReadonlySet<string>): ReadonlySet<string> {
      const present = new Set(readdirSync(directory))
      for (const name of present) {
        if (!known.has(name)) rmSync(pathOf(name), { force: true, recursive: true })
      }
      return present
    }
  }
}
