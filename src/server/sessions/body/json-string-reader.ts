import { ApiError } from '../../errors.ts'

/**
 * Reads the bytes between the quotes of a JSON string (RFC 8259, section 7), in pieces of any size. Incomplete
 * characters and escape sequences wait for the next piece.
 * @throws {ApiError} malformed_body, from `read` and `end`, if the bytes cannot be inside a JSON string
 */
export function createStringReader() {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let incomplete = ''

  return {
    /** No escape sequence waits for the next piece. */
    get isComplete() {
      return incomplete === ''
    },

    /** @returns the text of the piece, without what waits */
    read(bytes: Buffer): string {
      return orMalformed(() => {
        const text = incomplete + utf8.decode(bytes, { stream: true })
        const end = endOfComplete(text)
        incomplete = text.slice(end)
        return parseString(text.slice(0, end))
      })
    },

    /** Call it after the last piece. */
    end(): void {
      orMalformed(() => parseString(incomplete + utf8.decode()))
    }
  }
}

const parseString = (inside: string): string => JSON.parse(`"${inside}"`)

function orMalformed(read: () => string): string {
  try {
    return read()
  } catch (cause) {
    throw new ApiError('malformed_body', 'Send a body of well-formed JSON, whole, in UTF-8.', { cause })
  }
}

/** @returns where an incomplete escape sequence begins at the end of `text`, or the length of `text` */
function endOfComplete(text: string): number {
  const last = text.lastIndexOf('\\')
  let first = last
  while (first > 0 && text[first - 1] === '\\') first--
  const isEscaping = last !== -1 && (last - first) % 2 === 0
  const length = text[last + 1] === 'u' ? '\\u0061'.length : '\\n'.length
  return isEscaping && last + length > text.length ? last : text.length
}
