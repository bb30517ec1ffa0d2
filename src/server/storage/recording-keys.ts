import { audioFormats, type AudioFormat } from '../audio/formats.ts'

/** Object key of a recording. The ids are UUIDs: the storage client does not encode keys. */
export const recordingKey = (userId: string, sessionId: string, { extension }: AudioFormat) =>
  `${userId}/${sessionId}.${extension}`.toLowerCase()

/** Every key under which a session can have a recording: one for each format. */
export const possibleKeys = (userId: string, sessionId: string) =>
  audioFormats.map((format) => recordingKey(userId, sessionId, format))

/** The object key at the end of a recording's canonical URL. */
export const keyOf = (audioUrl: string) => audioUrl.split('/').slice(-2).join('/')
