import type { Refusal } from 'harmony-helper/client'

// The server's words are for whoever calls it; these are for whoever practises.
const WORDS: Record<string, string> = {
  unsupported_recording:
    'The file is not a recording that the journal can keep. It takes WebM, MP4, Ogg, MP3, WAV and FLAC.',
  recording_too_large: 'The recording is too large. Record in shorter takes, or as WebM or MP3.',
  body_too_large: 'Recording and score together are too large. Record in shorter takes.',
  invalid_input: 'Its piece, instrument, date or length is missing or out of range.',
  id_reused: 'Something else was saved in its place before.'
}

/** Why something was not accepted, and what to do. */
export function reasonOf({ code, detail }: Pick<Refusal, 'code' | 'detail'>): string {
  return WORDS[code] ?? detail
}
