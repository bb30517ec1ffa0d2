const RIFF = /^(RIFF|RF64|BW64)$/
const SEGMENT = Buffer.from('18538067', 'hex')

/** The segment follows the header of Matroska, which has about forty bytes. */
const MAX_HEADER_BYTES = 1024

/**
 * Returns a copy of the first bytes of a WAV or WebM file in which the outermost element has unknown size. Recorders
 * write that size last, so a recording that was cut has none or a wrong one. Bytes after the element do no harm.
 */
export function ignoreSizes(bytes: Buffer): Buffer {
  if (RIFF.test(bytes.toString('latin1', 0, 4)) && bytes.length >= 8) return ignoreRiffSize(bytes)
  const segment = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(SEGMENT)
  return segment === -1 ? bytes : ignoreSegmentSize(bytes, segment + SEGMENT.length)
}

/** RF64 and BW64 (ITU-R BS.2088) are WAV with 64-bit sizes in another chunk. */
function ignoreRiffSize(bytes: Buffer): Buffer {
  const riff = Buffer.from(bytes)
  riff.write('RIFF\xff\xff\xff\xff', 'latin1')
  return riff
}

/** Sets all bits of the size but its leading zeros, which tell its length (RFC 8794, section 6.2). */
function ignoreSegmentSize(bytes: Buffer, at: number): Buffer {
  const first = bytes[at] ?? 0
  if (first === 0) return bytes
  const webm = Buffer.from(bytes)
  const leadingZeros = Math.clz32(first) - 24
  webm.fill(0xff, at, Math.min(at + leadingZeros + 1, webm.length))
  webm[at] = 0xff >> leadingZeros
  return webm
}
