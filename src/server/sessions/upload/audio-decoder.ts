import { ApiError, invalidInput } from '../../errors.ts'
import { createBase64Decoder, type Decoded } from './base64-decoder.ts'
import { createJsonTextReader, type JsonText } from './json-text.ts'
import type { Spool } from './spool.ts'

const BACKSLASH = 0x5c

/** Placeholders that a JSON parser takes, or refuses, as it would what they stand for. */
const PLACEHOLDERS = { none: Buffer.alloc(0), encoding: Buffer.of(0xff), syntax: Buffer.from('\n') }

/** How much of a data URL is searched for the end of its header. */
const HEADER_CHARACTERS = 256
const EMPTY_DATA_URL = /^data:(?:[^,]{0,200},)?$/i

export type AudioDecoder = ReturnType<typeof createAudioDecoder>

/** Decodes the value of `audioBase64` into a spool while it arrives. */
export function createAudioDecoder(spool: Spool, maxBytes: number) {
  const json = createJsonTextReader()
  const base64 = createBase64Decoder(spool, maxBytes)
  let fault: keyof typeof PLACEHOLDERS = 'none'
  /** What there is as long as it may be the header of a data URL. */
  let start: string | undefined = ''
  let isForeign = false
  let decoded: ReturnType<typeof base64.finish> | null = null

  function take(read: JsonText) {
    if ('text' in read) takeText(read.text)
    else if (fault !== 'encoding') fault = read.fault
  }

  function takeText(text: string) {
    if (start !== undefined) {
      start += text
      if (start.length >= HEADER_CHARACTERS) settleStart(start)
    } else if (!base64.accept(Buffer.from(text))) base64.discard(text)
  }

  function settleStart(text: string) {
    start = undefined
    const payload = stripDataUrl(text)
    isForeign = payload === undefined
    if (payload === undefined) base64.discard('')
    else takeText(payload)
  }

  return {
    write(bytes: Buffer) {
      // Digits stand for themselves in JSON: what decodes as it is needs no look at how it is written.
      const isPlain =
        start === undefined && json.isWhole && !bytes.includes(BACKSLASH) && base64.accept(bytes)
      if (!isPlain) take(json.read(bytes))
    },

    end(): Buffer {
      take(json.end())
      if (start !== undefined) settleStart(start)
      if (base64.length > 0) decoded = base64.finish()
      return PLACEHOLDERS[fault]
    },

    /**
     * What is in the spool once the string has ended; null when there is no recording: '' or an empty data URL.
     * @throws {ApiError} invalid_input, recording_too_large
     */
    result(): Decoded | null {
      if (isForeign || decoded === 'invalid') throw invalidAudio()
      if (decoded && 'tooLarge' in decoded) {
        throw new ApiError(
          'recording_too_large',
          `The recording must have at most ${maxBytes} bytes; this one has ${decoded.tooLarge}.`
        )
      }
      return decoded
    }
  }
}

/** @returns undefined when it is a data URL, but not of base64 */
function stripDataUrl(text: string): string | undefined {
  if (!/^data:/i.test(text)) return text
  // A quoted codec list may hold a comma: data:video/webm;codecs="vp8,opus";base64,…
  const marker = /;base64,/i.exec(text.slice(0, HEADER_CHARACTERS))
  if (marker) return text.slice(marker.index + marker[0].length)
  return EMPTY_DATA_URL.test(text) ? '' : undefined
}

const invalidAudio = () =>
  invalidInput('/audioBase64', 'must be standard base64 without white space, or a data: URL of it')
