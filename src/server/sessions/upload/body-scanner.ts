const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** A string that is taken out of the body while the body arrives. */
export type Diverted = {
  /** Takes the next bytes between the quotes, escape sequences and all. They are lent: they change after the call. */
  write: (bytes: Buffer) => void
  /** @returns what stands between the quotes in its place */
  end: () => Buffer
}

type Parts = {
  /** Member of the outermost object whose strings are diverted. */
  name: string
  /** Takes the next bytes of everything else. They are lent. */
  keep: (bytes: Buffer) => void
  /** A string to be diverted begins. Where the member is repeated, this is called once for each. */
  divert: () => Diverted
}

/**
 * Scans JSON as it arrives, in whatever pieces, and diverts the strings of one member. It tells strings from the rest
 * and counts depth, no more: what is kept is for a parser to judge, and is well-formed exactly where the whole is, as
 * long as a placeholder is as well-formed as what it stands for.
 */
export function createBodyScanner({ name, keep, divert }: Parts) {
  const key = createKeyMatcher(name)
  let depth = 0
  let values = 0
  let isInString = false
  /** The byte before was a backslash that escapes. */
  let isEscaped = false
  /** The last byte of the outermost object that is neither white space nor within a string. */
  let last = 0
  let isKey = false
  let diverted: Diverted | undefined

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
      if (depth === 1 && byte > 0x20) last = byte
    }
    return bytes.length
  }

  function beginString() {
    if (depth === 1 && last === COLON && key.isMatch()) diverted = divert()
    else isInString = true
    isKey = depth === 1 && (last === OPEN_OBJECT || last === COMMA)
    if (isKey) key.begin()
    if (depth === 1) last = QUOTE
  }

  function scanString(bytes: Buffer, from: number): number {
    const end = endOfString(bytes, from)
    if (isKey) key.write(bytes.subarray(from, end === -1 ? bytes.length : end))
    if (end === -1) return bytes.length
    isInString = false
    return end + 1
  }

  function scanDiverted(value: Diverted, bytes: Buffer, from: number): number {
    const end = endOfDiverted(bytes, from)
    value.write(bytes.subarray(from, end === -1 ? bytes.length : end))
    if (end === -1) return bytes.length
    keep(value.end())
    diverted = undefined
    isInString = true // for the closing quote, which is kept as the opening one was
    return end
  }

  // Megabytes without an escape sequence are the rule here, so they are not looked at byte by byte.
  function endOfDiverted(bytes: Buffer, from: number): number {
    const quote = bytes.indexOf(QUOTE, from)
    const hasEscape =
      isEscaped || bytes.subarray(from, quote === -1 ? bytes.length : quote).includes(BACKSLASH)
    return hasEscape ? endOfString(bytes, from) : quote
  }

  /** @returns where the quote is that ends the string, or -1 when it does not end within these bytes */
  function endOfString(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]
      if (isEscaped) isEscaped = false
      else if (byte === QUOTE) return at
      else if (byte === BACKSLASH) isEscaped = true
    }
    return -1
  }

  return {
    /** Commas, arrays and objects so far: what a parser makes of the body has hardly more values. */
    get values() {
      return values
    },

    /** Takes the next bytes of the body. */
    write(bytes: Buffer) {
      let kept = 0
      for (let at = 0; at < bytes.length;) {
        if (diverted) {
          keep(bytes.subarray(kept, at))
          kept = at = scanDiverted(diverted, bytes, at)
        } else at = isInString ? scanString(bytes, at) : scanStructure(bytes, at)
      }
      keep(bytes.subarray(kept))
    },

    /** The body is over, be it in the middle of a string. */
    end() {
      if (diverted) keep(diverted.end())
    }
  }
}

/** Tells whether a key, which may come in pieces and in escape sequences, is `name`. */
function createKeyMatcher(name: string) {
  const longest = name.length * '\\u0061'.length
  let raw = ''

  return {
    begin() {
      raw = ''
    },
    write(bytes: Buffer) {
      if (raw.length <= longest) raw += bytes.toString('latin1', 0, longest + 1)
    },
    isMatch: () => raw === name || (raw.includes('\\') && raw.length <= longest && unescape(raw) === name)
  }
}

function unescape(raw: string): string | undefined {
  try {
    return JSON.parse(`"${raw}"`)
  } catch {
    return undefined // the parser will refuse it, too
  }
}
