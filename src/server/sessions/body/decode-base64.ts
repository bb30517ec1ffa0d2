import { isAscii } from 'node:buffer'
import { createStringReader } from './json-string-reader.ts'

const BACKSLASH = 0x5c

/** The header of a data URL must end within this many characters. */
const HEADER_CHARACTERS = 256
/** From one piece to the next the decoder holds back fewer bytes than this. */
export const MAX_HELD = HEADER_CHARACTERS
const EMPTY_DATA_URL = /^data:(?:[^,]{0,200},)?$/i

/** Characters that can be held back for the next piece. */
const PENDING = /^[A-Za-z0-9+/=]*$/
/** The last group of valid base64, with or without padding (RFC 4648). */
const LAST_GROUP = /^[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/][A-Za-z0-9+/=]?)?$/

/**
 * Decodes a JSON string that contains base64, or a `data:` URL of it. It takes the bytes between the quotes
 * of the string, in pieces of any size. Base64 has the standard alphabet and no white space; padding is
 * optional.
 * @throws {ApiError} malformed_body, from `write` and `end`, if the bytes cannot be inside a JSON string
 */
export function createBase64Decoder() {
  const string = createStringReader()
  /** The text so far, as long as it may be the header of a data URL. */
  let header: string | undefined = ''
  /**
   * The last one to four characters. They are held back: they may be an incomplete group, or have padding.
   */
  let pending = ''
  let isBase64 = true

  /** Whether a piece can be decoded as it is. Most can, because base64 needs no escape sequences. */
  const isPlain = (bytes: Buffer) =>
    isBase64 && header === undefined && string.isComplete && isAscii(bytes) && !bytes.includes(BACKSLASH)

  function decodeText(text: string, target: Buffer): number {
    if (header === undefined) return decode(text, target)
    header += text
    return header.length < HEADER_CHARACTERS ? 0 : decodeAfter(header, target)
  }

  function decodeAfter(start: string, target: Buffer): number {
    const base64 = removeHeader(start)
    header = undefined
    isBase64 = base64 !== undefined
    return decode(base64 ?? '', target)
  }

  function decode(text: string, target: Buffer): number {
    if (!isBase64) return 0
    // Only the incomplete group is joined with the text, because joining all of the text would copy it.
    const joint = -pending.length & 3 // characters that complete the group
    // The end of the complete groups, without the last one, which may have padding.
    const end = (Math.max(1, pending.length + text.length) - 1) & ~3
    if (end === 0) return holdBack(pending + text, 0)
    const bytes = (end / 4) * 3
    const first = decodeDigits(pending + text.slice(0, joint), target)
    isBase64 = first + decodeDigits(text.slice(joint, end - pending.length), target.subarray(first)) === bytes
    return holdBack(text.slice(end - pending.length), bytes)
  }

  function holdBack(end: string, decoded: number): number {
    pending = end
    isBase64 &&= PENDING.test(end)
    return isBase64 ? decoded : 0
  }

  return {
    /** False as soon as the text cannot be base64 or a data URL of it. True after `end` means that it is. */
    get isBase64() {
      return isBase64
    },

    /** `target` must have room for `bytes.length + MAX_HELD`. @returns how many bytes were decoded into it */
    write(bytes: Buffer, target: Buffer): number {
      if (isPlain(bytes)) {
        const decoded = decode(bytes.toString('latin1'), target)
        if (isBase64) return decoded
      }
      return decodeText(string.read(bytes), target)
    },

    /**
     * Call it after the last piece.
     * @returns how many bytes were decoded into `target`, at most `MAX_HELD`
     */
    end(target: Buffer): number {
      string.end()
      const decoded = header === undefined ? 0 : decodeAfter(header, target)
      if (pending === '' || !isBase64) return 0
      isBase64 = LAST_GROUP.test(pending)
      return decoded + target.write(pending, decoded, 'base64')
    }
  }
}

/** @returns the text without the header of a data URL; undefined if the URL is not one of base64 */
function removeHeader(text: string): string | undefined {
  if (!/^data:/i.test(text)) return text
  // A quoted codec list may hold a comma: data:video/webm;codecs="vp8,opus";base64,…
  const marker = /;base64,/i.exec(text.slice(0, HEADER_CHARACTERS))
  if (marker) return text.slice(marker.index + marker[0].length)
  return EMPTY_DATA_URL.test(text) ? '' : undefined
}

/** @returns how many bytes; too few if a character is not base64: Node.js skips it, or stops there */
function decodeDigits(digits: string, target: Buffer): number {
  const isUrlSafe = digits.includes('-') || digits.includes('_') // Node.js would decode these
  const isAsciiText = Buffer.byteLength(digits) === digits.length // Node.js ignores the high byte of others
  return isUrlSafe || !isAsciiText ? 0 : target.write(digits, 0, 'base64')
}
