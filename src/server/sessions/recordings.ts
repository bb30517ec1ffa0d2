import type { Readable } from 'node:stream'
import { fileTypeFromBlob } from 'file-type'
import { ApiError } from '../errors.ts'
import { kindOf, type Kind } from '../recordings/kinds.ts'

/** A recording as it will be stored. `sha256` is lower-case hexadecimal; `stream` begins anew each time. */
export type Recording = { kind: Kind, bytes: number, sha256: string, stream: () => Readable }

/** Bytes that can be read from anywhere. */
export type RandomAccess = { readonly size: number, read: (start: number, end: number) => Promise<Buffer> }

/**
 * Tells the kind of a recording by its bytes, not by the client's word.
 * @throws {ApiError} unsupported_recording
 */
export async function tellKind (source: RandomAccess): Promise<Kind> {
  const type = await fileTypeFromBlob(asBlob(source))
  const kind = type && kindOf(type.mime)
  if (!kind) throw new ApiError('unsupported_recording', 'audioBase64 must hold a WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC recording.')
  return kind
}

/** As much of a Blob as file-type uses: it jumps to where it wants to look, and never looks at more than a little. */
const asBlob = ({ size, read }: RandomAccess) =>
  ({ size, type: '', slice: (start: number, end: number) => ({ arrayBuffer: () => read(start, end) }) }) as unknown as Blob
