/** A supported audio format: the extension of its objects and the media type they are served with. */
export type AudioFormat = { extension: string; contentType: string }

export const WEBM: AudioFormat = { extension: 'webm', contentType: 'audio/webm' }
export const MP4: AudioFormat = { extension: 'm4a', contentType: 'audio/mp4' }
export const OGG: AudioFormat = { extension: 'ogg', contentType: 'audio/ogg' }
export const MP3: AudioFormat = { extension: 'mp3', contentType: 'audio/mpeg' }
export const WAV: AudioFormat = { extension: 'wav', contentType: 'audio/wav' }
export const FLAC: AudioFormat = { extension: 'flac', contentType: 'audio/flac' }

/** All supported formats. */
export const audioFormats: readonly AudioFormat[] = [WEBM, MP4, OGG, MP3, WAV, FLAC]

/**
 * Formats by the media types that clients announce. Video types are included, because browsers and file
 * systems give them to files without a video track, too.
 */
const NAMES: Record<string, AudioFormat> = {
  'audio/webm': WEBM,
  'video/webm': WEBM,
  'audio/matroska': WEBM,
  'audio/x-matroska': WEBM,
  'video/x-matroska': WEBM,
  'audio/mp4': MP4,
  'audio/m4a': MP4,
  'audio/x-m4a': MP4,
  'audio/3gpp': MP4,
  'video/mp4': MP4,
  'video/x-m4v': MP4,
  'video/quicktime': MP4,
  'video/3gpp': MP4,
  'video/3gpp2': MP4,
  'audio/ogg': OGG,
  'video/ogg': OGG,
  'application/ogg': OGG,
  'audio/opus': OGG,
  'audio/mpeg': MP3,
  'audio/mp3': MP3,
  'audio/wav': WAV,
  'audio/wave': WAV,
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
