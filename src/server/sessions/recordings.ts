import { createHash } from 'node:crypto'
import { fileTypeFromBuffer } from 'file-type'
import { ApiError, invalidInput } from '../errors.ts'
import { kindOf, type Kind } from '../recordings/kinds.ts'

/** A recording as it will be stored. `sha256` is lower-case hexadecimal. */
export type Recording = { bytes: Buffer, kind: Kind, sha256: string }

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
  const kind = type && kindOf(type.mime)
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
