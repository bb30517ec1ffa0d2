import { toJsonString } from '../http/answers/json-string.ts'
import type { TextName } from './v0-history-repository.ts'

/** The texts of a row that are sent piece by piece. */
export type Texts = Record<TextName, Iterable<string> | AsyncIterable<string> | null>

export type JsonRow = {
  /** JSON object without `audio_url`, and without the texts if these follow. */
  json: string
  /** The URL that plays. */
  audioUrl: string | null
  texts: Texts | null
}

/** The JSON of a row of the history, in pieces. */
export async function* toRowJson({ json, audioUrl, texts }: JsonRow): AsyncGenerator<string> {
  yield `{"audio_url":${JSON.stringify(audioUrl)},${json.slice(1, -1)}`
  for (const [name, pieces] of Object.entries(texts ?? {})) {
    yield `,"${name}":`
    if (pieces) yield* toJsonString(pieces)
    else yield 'null'
  }
  yield '}'
}
