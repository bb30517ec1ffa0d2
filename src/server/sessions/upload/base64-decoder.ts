import { isAscii } from 'node:buffer'
import type { Spool } from './spool.ts'

/** What base64 stood for. */
export type Decoded = { bytes: number }

/** One to four characters that may stand at the end of what is still going on. */
const ENDING = /^[A-Za-z0-9+/=]*$/
const LAST_DIGITS = /^[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/][A-Za-z0-9+/=]?)?$/
const MINUS = 0x2d
const UNDERSCORE = 0x5f

/**
 * Decodes standard base64, piece by piece, into a spool: padding optional, no white space. Nothing is written beyond
 * `maxBytes`, or behind what is no base64, but what comes is counted to its end.
 */
export function createBase64Decoder(spool: Spool, maxBytes: number) {
  let isValid = true
  let length = 0
  /** The last characters, not decoded yet: only they can be padding or an incomplete group. */
  let tail = ''

  /** @returns whether all of them were digits: Node skips what it does not know, and stops at padding */
  function decode(digits: string): boolean {
    return spool.appendBase64(digits) === Math.floor((digits.length * 3) / 4)
  }

  /** @returns whether the tail and `text` may belong to base64 that is not too long; whole groups are decoded then */
  function decodeGroups(text: Buffer): boolean {
    const whole = Math.max(0, tail.length + text.length - 1) & ~3
    if (whole === 0) return keep(tail + text.toString('latin1'))
    if (spool.size + (whole / 4) * 3 > maxBytes) return false
    // Only the group that was begun is joined; the rest is decoded where it stands.
    const joint = -tail.length & 3
    const end = whole - tail.length
    return (
      decode(tail + text.toString('latin1', 0, joint)) &&
      decode(text.toString('latin1', joint, end)) &&
      keep(text.toString('latin1', end))
    )
  }

  function keep(ending: string): boolean {
    if (!ENDING.test(ending)) return false
    tail = ending
    return true
  }

  return {
    /** Characters so far. */
    get length() {
      return length
    },

    /** @returns whether all of `text` may belong to base64 that is not too long; if not, it is for `discard` */
    accept(text: Buffer): boolean {
      isValid &&= isAscii(text) && !isUrlSafe(text) && decodeGroups(text)
      if (isValid) length += text.length
      return isValid
    },

    /** Counts what is no base64, or too much of it. */
    discard(text: string) {
      isValid = false
      length += text.length
      tail = (tail + text).slice(-2)
    },

    /** @returns the size of what is now in the spool, or what was wrong: 'invalid', or the size where it is too large */
    finish(): Decoded | 'invalid' | { tooLarge: number } {
      const digits = length - (tail.endsWith('==') ? 2 : tail.endsWith('=') ? 1 : 0)
      const size = Math.floor((digits * 3) / 4)
      if (size > maxBytes) return { tooLarge: size }
      if (!isValid || !LAST_DIGITS.test(tail)) return 'invalid'
      decode(tail.replace(/=+$/, ''))
      return { bytes: size }
    }
  }
}

/** Whether there are digits of the other alphabet, which Node takes as well. */
const isUrlSafe = (text: Buffer) => text.includes(MINUS) || text.includes(UNDERSCORE)
