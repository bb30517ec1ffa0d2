/** A kind of recording that we keep, and how its objects are named and served. */
export type Kind = { extension: string; contentType: string }

const WEBM: Kind = { extension: 'webm', contentType: 'audio/webm' }
const MP4: Kind = { extension: 'm4a', contentType: 'audio/mp4' }
const OGG: Kind = { extension: 'ogg', contentType: 'audio/ogg' }
const MP3: Kind = { extension: 'mp3', contentType: 'audio/mpeg' }
const WAV: Kind = { extension: 'wav', contentType: 'audio/wav' }
const FLAC: Kind = { extension: 'flac', contentType: 'audio/flac' }

/** Every kind there is. */
export const kinds: readonly Kind[] = [WEBM, MP4, OGG, MP3, WAV, FLAC]

/** What file-type, browsers and people call them. file-type cannot see that a WebM or an MP4 has no picture. */
const NAMES: Record<string, Kind> = {
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

/** The kind that a media type stands for, whatever its parameters; undefined for one that we do not keep. */
export function kindOf(mediaType: string): Kind | undefined {
  const name = mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
}

/** Seconds for which players and CDNs may keep a recording: a deleted one is gone everywhere soon after. */
export const CACHE_SECONDS = 60

/** Where a recording lies in the bucket: UUIDs only, since the storage client encodes nothing. */
export const recordingKey = (userId: string, sessionId: string, { extension }: Kind) =>
  `${userId}/${sessionId}.${extension}`.toLowerCase()

/** Every key under which a session may have a recording. */
export const possibleKeys = (userId: string, sessionId: string) =>
  kinds.map((kind) => recordingKey(userId, sessionId, kind))

/** The object key at the end of a recording's canonical URL. */
export const keyOf = (audioUrl: string) => audioUrl.split('/').slice(-2).join('/')
