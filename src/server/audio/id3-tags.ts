import type { RandomAccess } from './random-access.ts'

const HEADER_BYTES = 10
const HAS_FOOTER = 0x10

/** A file has one tag, rarely two. */
const MAX_TAGS = 8

/**
 * Where the sound begins: after the ID3v2 tags at the beginning of the file (ID3v2.4, section 3.1), which may
 * hold megabytes of pictures.
 */
export async function skipTags({ size, read }: RandomAccess): Promise<number> {
  let at = 0
  for (let tags = 0; tags < MAX_TAGS && at + HEADER_BYTES <= size; tags++) {
    const header = await read(at, at + HEADER_BYTES)
    if (header.toString('latin1', 0, 3) !== 'ID3') break
    at += tagBytes(header)
  }
  return at
}

/** Four times seven bits give the length, without the header and the footer. */
function tagBytes(header: Buffer): number {
  const length = header.subarray(6).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0)
  const footer = ((header[5] ?? 0) & HAS_FOOTER) !== 0 ? HEADER_BYTES : 0
  return HEADER_BYTES + length + footer
}
