import { fileTypeFromBuffer } from 'file-type'
import { hasMp3Frames, isLayer3 } from './demux.ts'

/** As far as ffmpeg searches, which is the demuxer of Chrome. */
const MAX_JUNK_BYTES = 64 * 1024

/** Most places that are tried. Sound and random bytes have about eight such places in 64 kB. */
const MAX_ATTEMPTS = 64

/** Kinds that have two bytes as their signature. The rest of a frame may begin with these by chance. */
const SHORT_SIGNATURES = new Set(['Z', 'aac', 'ac3', 'arj', 'bmp', 'cpio', 'dmg', 'exe', 'jxl'])

/**
 * Whether these first bytes after the tags are MP3. Frames may follow some junk, such as the rest of a frame
 * in a recording that was cut. A file of another known kind is none: a film or an archive may contain frames.
 */
export async function isMp3(bytes: Buffer): Promise<boolean> {
  const known = await fileTypeFromBuffer(bytes)
  if (known && known.mime !== 'audio/mpeg' && !SHORT_SIGNATURES.has(known.ext)) return false
  for (const start of possibleFrames(bytes)) {
    if (await hasMp3Frames(bytes.subarray(start))) return true
  }
  return false
}

/** Positions of what may be the header of a frame. */
function* possibleFrames(bytes: Buffer): Generator<number> {
  let attempts = 0
  for (let at = bytes.indexOf(0xff); at !== -1 && at < MAX_JUNK_BYTES; at = bytes.indexOf(0xff, at + 1)) {
    if (!isLayer3(bytes[at + 1])) continue
    yield at
    if (++attempts === MAX_ATTEMPTS) return
  }
}
