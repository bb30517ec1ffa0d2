import { createHash } from 'node:crypto'
import { fileTypeFromBuffer } from 'file-type'
import { ApiError, invalidInput } from '../errors.ts'

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

/** A recording as it will be stored. `sha256` is lower-case hexadecimal. */
export type Recording = { bytes: Buffer, kind: Kind, sha256: string }

/** Where a recording lies in the bucket: UUIDs only, since the storage client encodes nothing. */
export const recordingKey = (userId: string, sessionId: string, { extension }: Kind) =>
  `${userId}/${sessionId}.${extension}`.toLowerCase()

/** Every key under which a session may have a recording. */
export const possibleKeys = (userId: string, sessionId: string) =>
  [WEBM, MP4, OGG, MP3, WAV, FLAC].map((kind) => recordingKey(userId, sessionId, kind))

/**
 * Decodes `audioBase64` and tells its kind by its bytes, not by the client's word.
 * @returns null when there is no recording: null, '' and an empty data URL
 * @throws {ApiError} invalid_input, recording_too_large, unsupported_recording
 */
export async function readRecording (audioBase64: string | null | undefined, maxBytes: number): Promise<Recording | null> {
  const base64 = stripDataUrl(audioBase64 ?? '')
  if (base64 === '') return null
  const bytes = decode(base64, maxBytes)
  const type = await fileTypeFromBuffer(bytes)
  const kind = type && Object.hasOwn(KINDS, type.mime) ? KINDS[type.mime] : undefined
  if (!kind) throw new ApiError('unsupported_recording', 'audioBase64 must hold a WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC recording.')
  return { bytes, kind, sha256: createHash('sha256').update(bytes).digest('hex') }
}

const EMPTY_DATA_URL = /^data:(?:[^,]{0,200},)?$/i

function stripDataUrl (text: string): string {
  if (!/^data:/i.test(text)) return text
  const header = text.slice(0, 256)
  // A quoted codec list may hold a comma: data:video/webm;codecs="vp8,opus";base64,…
  const marker = /;base64,/i.exec(header)
  if (marker) return text.slice(marker.index + marker[0].length)
  if (EMPTY_DATA_URL.test(text)) return ''
  throw invalidAudio()
}

function decode (base64: string, maxBytes: number): Buffer {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  const digits = base64.length - padding
  const expected = Math.floor(digits * 3 / 4)
  if (expected > maxBytes) throw new ApiError('recording_too_large', `The recording must have at most ${maxBytes} bytes; this one has ${expected}.`)
  if (digits % 4 === 1 || (padding > 0 && base64.length % 4 !== 0)) throw invalidAudio()
  // Node also takes the URL alphabet, skips what it does not know and stops at padding: then bytes are missing.
  if (base64.includes('-') || base64.includes('_')) throw invalidAudio()
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== expected) throw invalidAudio()
  return bytes
}

const invalidAudio = () => invalidInput('/audioBase64', 'must be standard base64 without white space, or a data: URL of it')
