import { fileTypeFromBlob } from 'file-type'
import { ApiError } from '../errors.ts'
import { formatOfMediaType, type AudioFormat } from './formats.ts'

/** Bytes that can be read from anywhere. */
export type RandomAccess = { readonly size: number; read: (start: number, end: number) => Promise<Buffer> }

/** Ten times what any recording needs. An archive made for it has thousands, and each may be a request to the storage. */
const MAX_LOOKS = 256

/**
 * Tells the format of a recording by its bytes, not by the client's word.
 * @throws {ApiError} unsupported_recording
 */
export async function detectFormat(source: RandomAccess): Promise<AudioFormat> {
  const type = await fileTypeFromBlob(asBlob(source))
  const format = type && formatOfMediaType(type.mime)
  if (!format) throw unsupported()
  return format
}

export const unsupported = (
  detail = 'The recording must be WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC.'
) => new ApiError('unsupported_recording', detail)

/** As much of a Blob as file-type uses: it jumps to where it wants to look, and never looks at more than a little. */
function asBlob({ size, read }: RandomAccess): Blob {
  let looks = 0
  const look = async (start: number, end: number) => {
    if (++looks > MAX_LOOKS) throw unsupported()
    return read(start, end)
  }
  return {
    size,
    type: '',
    slice: (start: number, end: number) => ({ arrayBuffer: () => look(start, end) })
  } as unknown as Blob
}
