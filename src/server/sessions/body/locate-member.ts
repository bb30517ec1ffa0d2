const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** A longer name is cut to this length. */
const MAX_NAME_BYTES = 256
/** Only the first names of a body are reported. */
const MAX_NAMES = 100

/**
 * Consecutive bytes of a body. `value`: bytes between the quotes of the located string, with its escape
 * sequences; `isFirst` marks the first part of a string, which may be empty. `rest`: everything else.
 */
export type Part = { kind: 'value'; bytes: Buffer; isFirst: boolean } | { kind: 'rest'; bytes: Buffer }

/** A string that was taken out: its offset in the rest, and its length. */
type Cut = { restOffset: number; bytes: number }

/**
 * Finds the string value of the top-level member `name` in JSON that arrives in pieces of any size. It does
 * not validate: it only distinguishes strings from structure and counts depth. The rest has `""` in place of
 * the value, and is left to a JSON parser. If the value is a valid string, the rest is well-formed exactly if
 * the body is.
 */
export function createMemberLocator(name: string) {
  let state: 'structure' | 'string' | 'value' = 'structure'
  let depth = 0
  let values = 0
  /**
   * The last byte at depth 1 that is neither white space nor inside a string; a quote stands for a whole
   * string.
   */
  let previous = 0
  /** Whether the last byte was a backslash that escapes the next one. */
  let isEscaped = false
  let isFirst = false
  /** Whether the current string is a top-level name. */
  let isName = false
  /** The bytes of the last top-level name, as Latin-1 characters. */
  let written = ''
  let restBytes = 0
  const names = new Set<string>()
  const cuts: Cut[] = []

  function scanStructure(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        beginString()
        return at + 1
      }
      if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY || byte === COMMA) values++
      if (depth === 1 && byte > 0x20) previous = byte
    }
    return bytes.length
  }

  function beginString() {
    const isTopLevel = depth === 1
    isFirst = isTopLevel && previous === COLON && parseName(written) === name
    state = isFirst ? 'value' : 'string'
    isName = isTopLevel && (previous === OPEN_OBJECT || previous === COMMA)
    if (isName) written = ''
    if (isTopLevel) previous = QUOTE
  }

  function scanString(bytes: Buffer, from: number): number {
    const quote = findClosingQuote(bytes, from)
    const end = quote === -1 ? bytes.length : quote
    if (isName) {
      written += bytes.toString('latin1', from, Math.min(end, from + MAX_NAME_BYTES - written.length))
    }
    if (quote === -1) return end
    if (isName && names.size < MAX_NAMES) names.add(parseName(written))
    state = 'structure'
    return quote + 1
  }

  function scanRest(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length && state !== 'value') {
      at = state === 'string' ? scanString(bytes, at) : scanStructure(bytes, at)
    }
    restBytes += at - from
    return at
  }

  function scanValue(bytes: Buffer, from: number): number {
    if (isFirst) cuts.push({ restOffset: restBytes, bytes: 0 })
    const quote = findClosingQuote(bytes, from)
    const end = quote === -1 ? bytes.length : quote
    ;(cuts.at(-1) as Cut).bytes += end - from
    if (quote !== -1) state = 'string' // for the closing quote, which belongs to the rest
    return end
  }

  /** @returns -1 if the string does not end in this piece */
  function findClosingQuote(bytes: Buffer, from: number): number {
    // Most values are megabytes without an escape sequence, in which `indexOf` is fast.
    const quote = bytes.indexOf(QUOTE, from)
    const text = bytes.subarray(from, quote === -1 ? bytes.length : quote)
    if (!isEscaped && !text.includes(BACKSLASH)) return quote
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]
      if (isEscaped) isEscaped = false
      else if (byte === QUOTE) return at
      else if (byte === BACKSLASH) isEscaped = true
    }
    return -1
  }

  return {
    /** Splits the next piece of the body, in order. The parts share its memory. */
    *split(piece: Buffer): Generator<Part> {
      for (let at = 0; at < piece.length;) {
        const from = at
        if (state === 'value') {
          at = scanValue(piece, from)
          yield { kind: 'value', bytes: piece.subarray(from, at), isFirst }
          isFirst = false
        } else {
          at = scanRest(piece, from)
          yield { kind: 'rest', bytes: piece.subarray(from, at) }
        }
      }
    },

    /** The names of the top-level members so far, decoded; at most the first hundred. */
    names: names as ReadonlySet<string>,

    /** Number of commas, arrays and objects so far: about the number of values that a parser would create. */
    get values() {
      return values
    },

    /** Maps an offset in the rest to the offset in the body as sent; both in bytes. */
    toBodyOffset: (restOffset: number): number =>
      cuts.reduce((offset, cut) => (cut.restOffset <= restOffset ? offset + cut.bytes : offset), restOffset)
  }
}

/** @param written the bytes between the quotes of a name, as Latin-1 characters */
function parseName(written: string): string {
  const text = Buffer.from(written, 'latin1').toString()
  try {
    return JSON.parse(`"${text}"`)
  } catch {
    return text // malformed, or cut
  }
}
