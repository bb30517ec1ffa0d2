import { errorCodes } from 'fastify'
import { MAX_XML_BYTES } from '../../../contract/sessions.ts'
import { detectFormat } from '../../audio/detect-format.ts'
import type { Recording } from '../content.ts'
import { createAudioDecoder, type AudioDecoder } from './audio-decoder.ts'
import { BLOCK_BYTES, type Blocks } from './blocks.ts'
import { createBodyScanner } from './body-scanner.ts'
import type { HashThread } from './hash-thread.ts'
import { PIECE_BYTES } from '../../http/receive-body.ts'
import type { Release } from '../../http/upload-limiter.ts'
import { createSpool } from './spool.ts'

/** What either spool holds in memory: with the piece that fills it, and a placeholder, no more than a block. */
const SPOOL_MEMORY = BLOCK_BYTES - 2 * PIECE_BYTES

/** Text that takes so much memory when it is parsed that this must not happen often at a time. */
const LARGE_TEXT = 1024 * 1024

/** JSON escapes a score to up to twice its size, where it is not made to be large; the other texts are small. */
const MAX_TEXT_BYTES = 4 * MAX_XML_BYTES

/** Parsed, two bytes of JSON can take fifty of memory; a session has a dozen values, and clients may send some more. */
const MAX_VALUES = 250_000

/** Each of them costs what one recording costs to begin with. */
const MAX_REPETITIONS = 100

/** Base64 grows a recording by a third. */
export const bodyLimit = (maxRecordingBytes: number) => Math.ceil(maxRecordingBytes / 3) * 4 + MAX_TEXT_BYTES

type Options = { maxRecordingBytes: number; blocks: Blocks; hashThread: HashThread }

export type InlineUpload = ReturnType<typeof createInlineUpload>

/**
 * One body of `POST /api/sessions` on its way: the recording is decoded into one spool, the text that remains of the
 * JSON goes into another, with a placeholder for `audioBase64`. Neither takes more than a little memory.
 */
export function createInlineUpload({ maxRecordingBytes, blocks, hashThread }: Options) {
  const hash = hashThread.createHash()
  const text = createSpool({ blocks, memoryBytes: SPOOL_MEMORY })
  const audio = createSpool({ blocks, memoryBytes: SPOOL_MEMORY, hash })
  const held: Release[] = []
  let decoder: AudioDecoder | undefined
  let repetitions = 0

  const scanner = createBodyScanner({
    name: 'audioBase64',
    keep: text.append,
    divert() {
      if (repetitions++ > MAX_REPETITIONS) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
      audio.clear() // of a repeated member the last counts
      decoder = createAudioDecoder(audio, maxRecordingBytes)
      return decoder
    }
  })

  return {
    /**
     * Takes the next bytes of the body, which are lent.
     * @returns undefined when the next may come at once
     * @throws {ApiError} server_busy when the disk is full
     */
    write(bytes: Buffer): Promise<void> | undefined {
      scanner.write(bytes)
      if (text.size > MAX_TEXT_BYTES || scanner.values > MAX_VALUES) {
        throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
      }
      const draining = text.drain()
      return draining ? draining.then(audio.drain) : audio.drain()
    },

    /** The body is over: what it held can be asked for. */
    async end(): Promise<void> {
      scanner.end()
      await text.finish()
      await audio.finish()
    },

    /** Whether parsing the text takes much memory. */
    hasLargeText: () => text.size > LARGE_TEXT,

    /** What `parse`, which must not keep the bytes, makes of the JSON without its recording; can be called once. */
    async parseText<T>(parse: (bytes: Buffer) => T | Promise<T>): Promise<T> {
      try {
        return await parse(await text.read(0, text.size))
      } finally {
        await text.close({ isSent: true })
      }
    },

    /**
     * What the last `audioBase64` of the body held; null when that was '' or an empty data URL.
     * @throws {ApiError} invalid_input, recording_too_large, unsupported_recording, server_busy
     */
    async recording(): Promise<Recording | null> {
      const decoded = decoder?.result() ?? null
      return (
        decoded && {
          ...decoded,
          format: await detectFormat(audio),
          sha256: await hash.digest(),
          stream: audio.stream
        }
      )
    },

    /** Gives a slot back when the upload is closed. */
    hold(release: Release) {
      held.push(release)
    },

    /**
     * Nothing of the upload is wanted any more.
     * @param isSaved whether the recording has arrived where it was sent, so that nothing of it is on its way
     */
    async close({ isSaved }: { isSaved: boolean }): Promise<void> {
      await Promise.all([text.close({ isSent: false }), audio.close({ isSent: isSaved })])
      for (const release of held) release()
    }
  }
}
