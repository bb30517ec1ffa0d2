import { pipeline } from 'node:stream/promises'
import { errorCodes } from 'fastify'
import { MAX_XML_BYTES } from '../../../contract/limits.ts'
import { invalidInput, type ApiError } from '../../errors.ts'
import { decodeBody } from '../../http/bodies/json-parser.ts'
import { createSpool } from '../../http/bodies/spool.ts'
import { lettersOf } from '../../http/schema-keywords.ts'
import type { Recording } from '../content.ts'
import { createMemberLocator, type Part } from './locate-member.ts'
import { createIncomingRecording, type IncomingRecording } from './incoming-recording.ts'

/**
 * Largest JSON without its recording: two scores, which escape sequences normally make at most twice as long.
 * The other texts are small.
 */
export const MAX_TEXT_BYTES = 4 * MAX_XML_BYTES

/** Bytes of a text that are kept in memory while the body arrives; a larger one goes to a file. */
const TEXT_MEMORY_BYTES = 128 * 1024

/**
 * Largest number of values in a body. Two bytes of JSON can become fifty bytes of memory. A session has a dozen values.
 */
const MAX_VALUES = 250_000

/** The member with the recording. */
const MEMBER = 'audioBase64'

/** How often a body may repeat `audioBase64`. Each repetition begins a new recording. */
const MAX_REPETITIONS = 100

/** The largest body, in bytes: base64 is a third larger than the recording. */
export const bodyLimit = (maxRecordingBytes: number) => Math.ceil(maxRecordingBytes / 3) * 4 + MAX_TEXT_BYTES

/** A body that was received: its JSON without the recording, and the recording. */
export type ReceivedBody = Awaited<ReturnType<typeof receiveSessionBody>>

/**
 * Receives one JSON body with a session in bounded memory: of a save, an edit or an import. The string of `audioBase64`
 * is decoded into one spool; the rest of the JSON, with `""` in its place, goes into another. The caller must close it.
 * @throws {ApiError} malformed_body; server_busy if the disk is full
 * @throws FST_ERR_CTP_BODY_TOO_LARGE for too much text, too many values or repetitions; the errors of `body`
 */
export async function receiveSessionBody(body: AsyncIterable<Buffer>, maxRecordingBytes: number) {
  const locator = createMemberLocator(MEMBER)
  const text = createSpool({ memoryBytes: TEXT_MEMORY_BYTES })
  let incoming: IncomingRecording | undefined
  let repetitions = 0

  async function* locate(pieces: AsyncIterable<Buffer>): AsyncGenerator<Part> {
    for await (const piece of pieces) {
      yield* locator.split(piece)
      if (locator.values > MAX_VALUES) throw tooLarge()
    }
  }

  async function store(parts: AsyncIterable<Part>): Promise<void> {
    for await (const part of parts) {
      if (part.kind === 'rest') await storeText(part.bytes)
      else await (await recordingOf(part)).write(part.bytes)
    }
    await text.finish()
    await incoming?.end()
  }

  async function storeText(bytes: Buffer): Promise<void> {
    if (text.size + bytes.length > MAX_TEXT_BYTES) throw misnamedRecording(locator.names) ?? tooLarge()
    await text.write(bytes)
  }

  /** If the member is repeated, the last one counts, as in a JSON parser. */
  async function recordingOf({ isFirst }: Part & { kind: 'value' }): Promise<IncomingRecording> {
    if (!isFirst && incoming) return incoming
    if (repetitions++ > MAX_REPETITIONS) throw tooLarge()
    await incoming?.end()
    await incoming?.close()
    return (incoming = createIncomingRecording(maxRecordingBytes))
  }

  /** A function of its own, so that the bytes can be collected before the text is parsed. */
  const readText = async () => decodeBody(await text.read(0, text.size))

  async function close(): Promise<void> {
    await Promise.all([text.close(), incoming?.close()])
  }

  try {
    await pipeline(body, locate, store)
  } catch (error) {
    await close()
    throw error
  }

  return {
    /** Size of the JSON without its recording. */
    textBytes: text.size,

    /** Whether the last `audioBase64` is base64, or a data URL of it. */
    isBase64: () => incoming?.isBase64 ?? true,

    /** Parses the JSON without its recording. It can be called once. */
    async parseText<T>(parse: (json: string) => T | Promise<T>): Promise<T> {
      const json = await readText()
      await text.close()
      return parse(json)
    },

    /** Whether the last `audioBase64` holds anything. */
    hasAudio: () => incoming?.isEmpty === false,

    /**
     * The recording of the last `audioBase64`; null if that was `""` or an empty data URL.
     * @throws {ApiError} invalid_input, recording_too_large, unsupported_recording
     */
    recording: async (): Promise<Recording | null> => (await incoming?.result()) ?? null,

    /** Maps an offset in the JSON without its recording to the offset in the body as sent; both in bytes. */
    toBodyOffset: locator.toBodyOffset,

    /** Frees memory and files. It may be called more than once. */
    close
  }
}

/** A recording under a wrong name makes the text too large: the error tells the right name. */
function misnamedRecording(names: Iterable<string>): ApiError | undefined {
  const misnamed = [...names].find((name) => name !== MEMBER && lettersOf(name) === lettersOf(MEMBER))
  return misnamed === undefined ? undefined : invalidInput(`/${misnamed}`, `must be written ${MEMBER}`)
}

const tooLarge = () => new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
