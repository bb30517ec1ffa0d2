/**
 * SHA-256 (FIPS 180-4) of a text in UTF-8, in hexadecimal. `crypto.subtle` exists only in secure contexts,
 * and an id that is derived from a digest must be the same in all.
 */
export function sha256(text: string): string {
  const hash = INITIAL.slice()
  const message = pad(new TextEncoder().encode(text))
  for (let offset = 0; offset < message.byteLength; offset += 64) addBlock(hash, message, offset)
  return Array.from(hash, (word) => word.toString(16).padStart(8, '0')).join('')
}

/** Appends the end mark and the length in bits, up to a multiple of 64 bytes. */
function pad(bytes: Uint8Array): DataView {
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) * 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n)
  return view
}

function addBlock(hash: Uint32Array, message: DataView, offset: number): void {
  const words = schedule(message, offset)
  let [a, b, c, d, e, f, g, h] = hash as Iterable<number> as Eight
  for (let i = 0; i < 64; i++) {
    const first =
      h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i]! + words[i]!
    const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0]
  }
  ;[a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i]! += word
  })
}

function schedule(message: DataView, offset: number): Int32Array {
  const words = new Int32Array(64)
  for (let i = 0; i < 16; i++) words[i] = message.getInt32(offset + i * 4)
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15]!, words[i - 2]!]
    const mixed = (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10))
    words[i] = words[i - 16]! + words[i - 7]! + mixed
  }
  return words
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

type Eight = [number, number, number, number, number, number, number, number]

const PRIMES = Array.from({ length: 310 }, (_, index) => index + 2).filter((candidate) => isPrime(candidate))
const INITIAL = fractions(Math.sqrt, 8)
const ROUND = fractions(Math.cbrt, 64)

/** The first 32 bits of the fractional parts of the roots of the first primes. */
function fractions(root: (value: number) => number, count: number): Uint32Array {
  return Uint32Array.from(PRIMES.slice(0, count), (prime) => (root(prime) % 1) * 2 ** 32)
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return true
}
