import { ApiError } from '../errors.ts'
import { formatOfMediaType, type AudioFormat } from './formats.ts'

/** Bytes with random access: `read` returns those from `start` to before `end`. */
export type RandomAccess = { readonly size: number; read: (start: number, end: number) => Promise<Buffer> }

/**
 * The most reads of one detection: ten times what a recording needs. A crafted archive would cause thousands,
 * each a request to the storage.
 */
const MAX_READS = 256

/**
 * Detects the format of a recording from its bytes, ignoring the declared media type.
 * @throws {ApiError} unsupported_recording
 */
export async function detectFormat(source: RandomAccess): Promise<AudioFormat> {
  const { fileTypeFromBlob } = await import('file-type') // loaded with the first recording
  const type = await fileTypeFromBlob(asBlob(source))
  const format = type && formatOfMediaType(type.mime)
  if (!format) throw unsupported()
  return format
}

/** The error for a recording whose format is not supported. */
export const unsupported = (
  detail = 'The recording must be WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC.'
) => new ApiError('unsupported_recording', detail)

/** The part of a Blob that file-type uses: it reads small slices at various positions. */
function asBlob({ size, read }: RandomAccess): Blob {
  let reads = 0
  const readSlice = async (start: number, end: number) => {
    if (++reads > MAX_READS) throw unsupported()
    return read(start, end)
  }
  return {
    size,
    type: '',
    slice: (start: number, end: number) => ({ arrayBuffer: () => readSlice(start, end) })
  } as unknown as Blob
}
