import { invalidInput } from '../../errors.ts'
import type { Recording } from '../content.ts'
import { createBase64Decoder, MAX_HELD } from './decode-base64.ts'
import { createRecordingSpool } from './recording-spool.ts'

/** One recording that is being received. */
export type IncomingRecording = ReturnType<typeof createIncomingRecording>

/** Decodes, hashes and spools one recording from the bytes of its JSON string. The caller must close it. */
export function createIncomingRecording(maxBytes: number) {
  const decoder = createBase64Decoder()
  const spool = createRecordingSpool(maxBytes)

  return {
    /** Adds the next bytes between the quotes. @throws {ApiError} malformed_body, server_busy */
    write: (inside: Buffer): Promise<void> =>
      spool.append(inside.length + MAX_HELD, (target) => decoder.write(inside, target)),

    /** Call it after the last bytes. @throws {ApiError} malformed_body, server_busy */
    async end(): Promise<void> {
      await spool.append(MAX_HELD, decoder.end)
      await spool.end()
    },

    /** Whether no byte was decoded. */
    get isEmpty() {
      return spool.isEmpty
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
      return spool.result()
    },

    close: spool.close
  }
}

const notBase64 = () =>
  invalidInput('/audioBase64', 'must be standard base64 without white space, or a data: URL of it')
