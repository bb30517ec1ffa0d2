import { decodeBody } from '../../http/bodies/json-parser.ts'
import type { Recording } from '../content.ts'
import { createIncomingRecording, type IncomingRecording } from './incoming-recording.ts'
import type { ReceivedBody } from './receive-session-body.ts'

/** Bodies up to this size are parsed as a whole: parsing them in pieces costs more CPU time than it saves memory. */
export const MAX_WHOLE_BYTES = 64 * 1024

/**
 * Takes one small JSON body with a session. The result is that of `receiveSessionBody`: after the parsing, the string
 * of `audioBase64` is decoded, and `""` takes its place. The caller must close it.
 */
export function parseSmallBody(body: Buffer, maxRecordingBytes: number): ReceivedBody {
  let incoming: IncomingRecording | undefined

  return {
    textBytes: body.length,

    async parseText<T>(parse: (json: string) => T | Promise<T>): Promise<T> {
      const parsed = await parse(decodeBody(body))
      if (!hasRecording(parsed)) return parsed
      incoming = createIncomingRecording(maxRecordingBytes)
      await incoming.write(Buffer.from(JSON.stringify(parsed.audioBase64).slice(1, -1)))
      await incoming.end()
      parsed.audioBase64 = ''
      return parsed
    },

    isBase64: () => incoming?.isBase64 ?? true,
    hasAudio: () => incoming?.isEmpty === false,
    toBodyOffset: (offset: number) => offset,
    recording: async (): Promise<Recording | null> => (await incoming?.result()) ?? null,
    close: async () => incoming?.close()
  }
}

/** Whether parsed JSON is an object whose `audioBase64` is a string. */
export const hasRecording = (parsed: unknown): parsed is { audioBase64: string } =>
  typeof parsed === 'object' &&
  parsed !== null &&
  !Array.isArray(parsed) &&
  typeof (parsed as { audioBase64?: unknown }).audioBase64 === 'string'
