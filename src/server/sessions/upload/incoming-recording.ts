import { createHash } from 'node:crypto'
import { detectFormat } from '../../audio/detect-format.ts'
import { ApiError, invalidInput } from '../../errors.ts'
import type { Recording } from '../content.ts'
import { createAudioDecoder, MAX_HELD } from './decode-audio.ts'
import { createSpool } from './spool.ts'

export type IncomingRecording = ReturnType<typeof createIncomingRecording>

/** Decodes, hashes and spools one recording from the bytes of its JSON string. The caller must close it. */
export function createIncomingRecording(maxBytes: number) {
  const decoder = createAudioDecoder()
  const hash = createHash('sha256')
  const spool = createSpool()
  /** Decoded bytes, including those beyond `maxBytes`, which are not kept. */
  let bytes = 0
  let sha256 = ''

  /** @param decode decodes into `room` and returns how many bytes */
  async function keep(maxDecoded: number, decode: (room: Buffer) => number): Promise<void> {
    const room = await spool.reserve(maxDecoded)
    const decoded = decode(room)
    bytes += decoded
    if (bytes > maxBytes) return
    hash.update(room.subarray(0, decoded))
    spool.commit(decoded)
  }

  return {
    /** Takes the next bytes between the quotes. @throws {ApiError} malformed_body, server_busy */
    write: (inside: Buffer): Promise<void> =>
      keep(inside.length + MAX_HELD, (room) => decoder.write(inside, room)),

    /** The string is over. @throws {ApiError} malformed_body, server_busy */
    async end(): Promise<void> {
      await keep(MAX_HELD, decoder.end)
      await spool.finish()
      sha256 = hash.digest('hex')
    },

    /**
     * To be called after `end`.
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
