import type { Readable } from 'node:stream'
import { fileTypeFromBlob } from 'file-type'
import { ApiError } from '../errors.ts'
import { kindOf, type Kind } from './formats.ts'

/** A recording as it will be stored. `sha256` is lower-case hexadecimal; `stream` begins anew each time. */
export type Recording = { kind: Kind; bytes: number; sha256: string; stream: () => Readable }

/** Bytes that can be read from anywhere. */
export type RandomAccess = { readonly size: number; read: (start: number, end: number) => Promise<Buffer> }

/** Ten times what any recording needs. An archive made for it has thousands, and each may be a request to the storage. */
const MAX_LOOKS = 256

/**
 * Tells the kind of a recording by its bytes, not by the client's word.
 * @throws {ApiError} unsupported_recording
 */
export async function tellKind(source: RandomAccess): Promise<Kind> {
  const type = await fileTypeFromBlob(asBlob(source))
  const kind = type && kindOf(type.mime)
  if (!kind) throw unsupported()
  return kind
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
