import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type ZipStream from 'zip-stream'

/** A file of the archive. `sha256` is lower-case hexadecimal. */
export type ArchivedFile = { path: string; bytes: number; sha256: string }

/** `isCompressible` is false for files that are compressed already. */
type FileOptions = { path: string; date: Date; isCompressible?: boolean }

export type Archive = ReturnType<typeof createArchive>

/** Adds files to a ZIP archive, one after the other and as fast as it is read, and notes their digests. */
export function createArchive(zip: ZipStream) {
  const files: ArchivedFile[] = []

  return {
    files: files as readonly ArchivedFile[],

    /** Rejects with the failure of `pieces`, or when the archive is closed: then the file is incomplete. */
    async add(
      { path, date, isCompressible = true }: FileOptions,
      pieces: AsyncIterable<string | Buffer>
    ): Promise<void> {
      const hash = createHash('sha256')
      let bytes = 0
      async function* measured() {
        for await (const piece of pieces) {
          const chunk = Buffer.from(piece)
          hash.update(chunk)
          bytes += chunk.length
          yield chunk
        }
      }
      const source = Readable.from(measured(), { objectMode: false })
      await addEntry(zip, source, { name: path, date, store: !isCompressible })
      files.push({ path, bytes, sha256: hash.digest('hex') })
    }
  }
}

function addEntry(
  zip: ZipStream,
  source: Readable,
  data: { name: string; date: Date; store: boolean }
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      source.destroy()
      reject(new Error('The archive was closed before it was complete'))
    }
    if (zip.destroyed) return abort()
    zip.once('close', abort)
    source.once('error', reject)
    zip.entry(source, data, (error) => {
      zip.off('close', abort)
      if (error) reject(error)
      else resolve()
    })
  })
}
