import type { Readable } from 'node:stream'
import { fileTypeFromBlob } from 'file-type'
import { ApiError } from '../errors.ts'

type Kind = { extension: string, contentType: string }

const WEBM: Kind = { extension: 'webm', contentType: 'audio/webm' }
const MP4: Kind = { extension: 'm4a', contentType: 'audio/mp4' }
const OGG: Kind = { extension: 'ogg', contentType: 'audio/ogg' }
const MP3: Kind = { extension: 'mp3', contentType: 'audio/mpeg' }
const WAV: Kind = { extension: 'wav', contentType: 'audio/wav' }
const FLAC: Kind = { extension: 'flac', contentType: 'audio/flac' }

/** What file-type calls the kinds we keep. It cannot see that a WebM or an MP4 has no picture. */
const KINDS: Record<string, Kind> = {
  'audio/webm': WEBM,
  'video/webm': WEBM,
  'audio/mp4': MP4,
  'audio/x-m4a': MP4,
  'video/mp4': MP4,
  'video/x-m4v': MP4,
  'video/quicktime': MP4,
  'video/3gpp': MP4,
  'video/3gpp2': MP4,
  'audio/ogg': OGG,
  'audio/ogg; codecs=opus': OGG,
  'audio/opus': OGG,
  'audio/mpeg': MP3,
  'audio/wav': WAV,
  'audio/vnd.wave': WAV,
  'audio/flac': FLAC,
  'audio/x-flac': FLAC
}

/** A recording as it will be stored. `sha256` is lower-case hexadecimal; `stream` begins anew each time. */
export type Recording = { kind: Kind, bytes: number, sha256: string, stream: () => Readable }

/** Bytes that can be read from anywhere. */
export type RandomAccess = { readonly size: number, read: (start: number, end: number) => Promise<Buffer> }

/** Where a recording lies in the bucket: UUIDs only, since the storage client encodes nothing. */
export const recordingKey = (userId: string, sessionId: string, { extension }: Kind) =>
  `${userId}/${sessionId}.${extension}`.toLowerCase()

/** Every key under which a session may have a recording. */
export const possibleKeys = (userId: string, sessionId: string) =>
  [WEBM, MP4, OGG, MP3, WAV, FLAC].map((kind) => recordingKey(userId, sessionId, kind))

/**
 * Tells the kind of a recording by its bytes, not by the client's word.
 * @throws {ApiError} unsupported_recording
 */
export async function tellKind (source: RandomAccess): Promise<Kind> {
  const type = await fileTypeFromBlob(asBlob(source))
  const kind = type && Object.hasOwn(KINDS, type.mime) ? KINDS[type.mime] : undefined
  if (!kind) throw new ApiError('unsupported_recording', 'audioBase64 must hold a WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC recording.')
  return kind
}

/** As much of a Blob as file-type uses: it jumps to where it wants to look, and never looks at more than a little. */
const asBlob = ({ size, read }: RandomAccess) =>
  ({ size, type: '', slice: (start: number, end: number) => ({ arrayBuffer: () => read(start, end) }) }) as unknown as Blob
