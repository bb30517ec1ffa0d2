import type { RandomAccess } from './random-access.ts'

/** First boxes of MP4 and QuickTime files. */
const FIRST_BOX = /^(ftyp|moov|mdat|free|skip|wide|pnot)$/

/** For old QuickTime files, which have none. */
const FILE_TYPE = Buffer.from('\0\0\0\x10ftypqt  \0\0\0\0', 'latin1')

/** Most boxes before the movie box. A recording has one to four. */
const MAX_BOXES = 32

/** Six hours of AAC have an index of this size. */
const MAX_MOVIE_BYTES = 4 * 1024 * 1024

/** Whether the file is MP4 or QuickTime, by its first bytes. */
export const isMp4 = (head: Buffer): boolean => FIRST_BOX.test(head.toString('latin1', 4, 8))

/**
 * An MP4 without its sound: its file type and its movie box, which describes the tracks (ISO/IEC 14496-12,
 * 8.2). Many recorders write that box last.
 * @returns undefined if the movie box is missing, or too far or too large to be read
 */
export async function readMovie(source: RandomAccess): Promise<Buffer | undefined> {
  let fileType: Buffer = FILE_TYPE
  let at = 0
  for (let boxes = 0; boxes < MAX_BOXES && at + 8 <= source.size; boxes++) {
    const box = await readBox(source, at)
    if (box.length < 8) return undefined
    if (box.type === 'moov') return joinMovie(source, fileType, { start: at, end: at + box.length })
    if (box.type === 'ftyp' && box.length >= 16 && at + 16 <= source.size) {
      fileType = await shortFileType(source, at)
    }
    at += box.length
  }
  return undefined
}

type Range = { start: number; end: number }

async function readBox({ size, read }: RandomAccess, at: number): Promise<{ type: string; length: number }> {
  const header = await read(at, Math.min(at + 16, size))
  const type = header.toString('latin1', 4, 8)
  const length = header.readUInt32BE(0)
  if (length === 0) return { type, length: size - at } // until the end of the file
  const isLong = length === 1 && header.length === 16
  return { type, length: isLong ? Number(header.readBigUInt64BE(8)) : length }
}

/** The file type with its major brand only. */
async function shortFileType({ read }: RandomAccess, at: number): Promise<Buffer> {
  const box = Buffer.from(await read(at, at + 16))
  box.writeUInt32BE(box.length)
  return box
}

async function joinMovie({ size, read }: RandomAccess, fileType: Buffer, { start, end }: Range) {
  if (end > size || end - start > MAX_MOVIE_BYTES) return undefined
  return Buffer.concat([fileType, await read(start, end)])
}
