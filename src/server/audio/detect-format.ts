import { ApiError } from '../errors.ts'
import type { AudioFormat } from './formats.ts'
import type { RandomAccess } from './random-access.ts'

/**
 * Detects the format of a recording from its bytes, ignoring the declared media type. A recording is what
 * today's browsers play as audio. Time, reads and memory are bounded, whatever the bytes are.
 * @throws {ApiError} unsupported_recording; what `read` throws
 */
export async function detectFormat(source: RandomAccess): Promise<AudioFormat> {
  const { identify } = await import('./identify.ts') // loaded with the first recording
  const found = await identify(source)
  if (found === 'unknown') throw unsupported()
  if (found === 'video') throw unsupported('The recording has a video track. Record the sound alone.')
  return found
}

/** The error for a recording whose format is not supported. */
export const unsupported = (
  detail = 'The recording must be WebM, MP4, Ogg (Opus or Vorbis), MP3, WAV or FLAC.'
) => new ApiError('unsupported_recording', detail)
