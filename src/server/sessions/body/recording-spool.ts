import { createHash } from 'node:crypto'
import { detectFormat } from '../../audio/detect-format.ts'
import { createSpool } from '../../http/bodies/spool.ts'
import type { Recording } from '../content.ts'
import { recordingTooLarge } from '../recording/errors.ts'

export type RecordingSpool = ReturnType<typeof createRecordingSpool>

/** Hashes and spools the bytes of one recording. The caller must close it. */
export function createRecordingSpool(maxBytes: number) {
  const hash = createHash('sha256')
  const spool = createSpool()
  /** Number of bytes, including those beyond `maxBytes`, which are not kept. */
  let bytes = 0
  let sha256 = ''

  return {
    /**
     * Adds bytes.
     * @param write writes at most `room` bytes into `target` and returns how many
     * @throws {ApiError} server_busy
     */
    async append(room: number, write: (target: Buffer) => number): Promise<void> {
      const target = await spool.reserve(room)
      const written = write(target)
      bytes += written
      if (bytes > maxBytes) return
      hash.update(target.subarray(0, written))
      spool.commit(written)
    },

    /** Call it after the last bytes. @throws {ApiError} server_busy */
    async end(): Promise<void> {
      await spool.finish()
      sha256 = hash.digest('hex')
    },

    get isEmpty() {
      return bytes === 0
    },

    /**
     * The recording. Call it after `end`.
     * @returns null for one without bytes
     * @throws {ApiError} recording_too_large, unsupported_recording
     */
    async result(): Promise<Recording | null> {
      if (bytes > maxBytes) throw recordingTooLarge(bytes, maxBytes)
      return bytes === 0 ? null : { format: await detectFormat(spool), bytes, sha256, stream: spool.stream }
    },

    close: spool.close
  }
}
