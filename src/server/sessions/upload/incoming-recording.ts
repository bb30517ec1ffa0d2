import { createHash } from 'node:crypto'
import { detectFormat } from '../../audio/detect-format.ts'
import { ApiError, invalidInput } from '../../errors.ts'
import type { Recording } from '../content.ts'
import { createAudioDecoder, MAX_HELD } from './decode-audio.ts'
import { createSpool } from './spool.ts'

/** One recording that is being received. */
export type IncomingRecording = ReturnType<typeof createIncomingRecording>

/** Decodes, hashes and spools one recording from the bytes of its JSON string. The caller must close it. */
export function createIncomingRecording(maxBytes: number) {
  const decoder = createAudioDecoder()
  const hash = createHash('sha256')
  const spool = createSpool()
  /** Number of decoded bytes, including those beyond `maxBytes`, which are not kept. */
  let bytes = 0
  let sha256 = ''

  /** @param decode decodes at most `maxDecoded` bytes into `target` and returns how many */
  async function append(maxDecoded: number, decode: (target: Buffer) => number): Promise<void> {
    const target = await spool.reserve(maxDecoded)
    const decoded = decode(target)
    bytes += decoded
    if (bytes > maxBytes) return
    hash.update(target.subarray(0, decoded))
    spool.commit(decoded)
  }

  return {
    /** Adds the next bytes between the quotes. @throws {ApiError} malformed_body, server_busy */
    write: (inside: Buffer): Promise<void> =>
      append(inside.length + MAX_HELD, (target) => decoder.write(inside, target)),

    /** Call it after the last bytes. @throws {ApiError} malformed_body, server_busy */
    async end(): Promise<void> {
      await append(MAX_HELD, decoder.end)
      await spool.finish()
      sha256 = hash.digest('hex')
    },

    /** Whether the bytes so far are base64, or a data URL of it. */
    get isBase64() {
      return decoder.isBase64
    },

    /**
     * The recording. Call it after `end`.
     * @returns null for an empty string or an empty data URL
     * @throws {ApiError} invalid_input, recording_too_large, unsupported_recording
     */
    async result(): Promise<Recording | null> {
      if (!decoder.isBase64) throw notBase64()
      if (bytes > maxBytes) throw tooLarge(bytes, maxBytes)
      return bytes === 0 ? null : { format: await detectFormat(spool), bytes, sha256, stream: spool.stream }
    },

    close: spool.close
  }
}

const notBase64 = () =>
  invalidInput('/audioBase64', 'must be standard base64 without white space, or a data: URL of it')

const tooLarge = (bytes: number, maxBytes: number) =>
  new ApiError(
    'recording_too_large',
    `The recording must have at most ${maxBytes} bytes; this one has ${bytes}.`
  )
