import { audioFormats, type AudioFormat } from '../audio/formats.ts'

/** Seconds for which players and CDNs may keep a recording: a deleted one is gone everywhere soon after. */
export const CACHE_SECONDS = 60

/** Where a recording lies in the bucket: UUIDs only, since the storage client encodes nothing. */
export const recordingKey = (userId: string, sessionId: string, { extension }: AudioFormat) =>
  `${userId}/${sessionId}.${extension}`.toLowerCase()

/** Every key under which a session may have a recording. */
export const possibleKeys = (userId: string, sessionId: string) =>
  audioFormats.map((format) => recordingKey(userId, sessionId, format))

/** The object key at the end of a recording's canonical URL. */
export const keyOf = (audioUrl: string) => audioUrl.split('/').slice(-2).join('/')
