import { isUtf8 } from 'node:buffer'

const BACKSLASH = 0x5c

/** What becomes of the bytes of a JSON string: what they say, or why they are none. */
export type JsonText = { text: string } | { fault: 'encoding' | 'syntax' }

/**
 * Reads the inside of a JSON string that comes in pieces, by the rules of the parser: what is held back of one piece,
 * because an escape sequence or a character is not whole, goes before the next.
 */
export function createJsonTextReader() {
  let rest: Buffer = Buffer.alloc(0)

  return {
    /** Whether nothing is held back. */
    get isWhole() {
      return rest.length === 0
    },

    read(bytes: Buffer): JsonText {
      const joined = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes
      const whole = wholeLength(joined)
      rest = Buffer.from(joined.subarray(whole))
      return parse(joined.subarray(0, whole))
    },

    /** What was held back when the string ended. */
    end: (): JsonText => parse(rest)
  }
}

function parse(bytes: Buffer): JsonText {
  if (!isUtf8(bytes)) return { fault: 'encoding' }
  try {
    return { text: JSON.parse(`"${bytes.toString()}"`) }
  } catch {
    return { fault: 'syntax' }
  }
}

/** How many bytes there are without an incomplete escape sequence or character at the end. */
function wholeLength(bytes: Buffer): number {
  const escape = bytes.lastIndexOf(BACKSLASH)
  if (escape !== -1 && isEscaping(bytes, escape)) {
    const length = bytes[escape + 1] === 0x75 ? '\\u0061'.length : '\\n'.length
    if (bytes.length - escape < length) return escape
  }
  return bytes.length - incompleteCharacter(bytes)
}

/** Whether a backslash begins an escape sequence: before it there is an even number of others. */
function isEscaping(bytes: Buffer, at: number): boolean {
  let before = at
  while (bytes[before - 1] === BACKSLASH) before--
  return (at - before) % 2 === 0
}

/** Bytes at the end that begin a character of UTF-8 and do not finish it. */
function incompleteCharacter(bytes: Buffer): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count++) {
    const byte = bytes[bytes.length - count] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return count < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? count : 0
  }
  return 0
}
