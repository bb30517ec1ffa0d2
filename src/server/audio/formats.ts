/** A supported audio format: the extension of its objects and the media type they are served with. */
export type AudioFormat = { extension: string; contentType: string }

const WEBM: AudioFormat = { extension: 'webm', contentType: 'audio/webm' }
const MP4: AudioFormat = { extension: 'm4a', contentType: 'audio/mp4' }
const OGG: AudioFormat = { extension: 'ogg', contentType: 'audio/ogg' }
const MP3: AudioFormat = { extension: 'mp3', contentType: 'audio/mpeg' }
const WAV: AudioFormat = { extension: 'wav', contentType: 'audio/wav' }
const FLAC: AudioFormat = { extension: 'flac', contentType: 'audio/flac' }

/** All supported formats. */
export const audioFormats: readonly AudioFormat[] = [WEBM, MP4, OGG, MP3, WAV, FLAC]

/**
 * Formats by the media types that file-type and browsers use. Video types are included, because file-type
 * cannot detect that a WebM or MP4 has no video track.
 */
const NAMES: Record<string, AudioFormat> = {
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
  'audio/opus': OGG,
  'audio/mpeg': MP3,
  'audio/mp3': MP3,
  'audio/wav': WAV,
  'audio/vnd.wave': WAV,
  'audio/x-wav': WAV,
  'audio/flac': FLAC,
  'audio/x-flac': FLAC
}

/** The format of a media type, ignoring its parameters; undefined for an unsupported one. */
export function formatOfMediaType(mediaType: string): AudioFormat | undefined {
  const name = mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
}
