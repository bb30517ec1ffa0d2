import type { Refusal } from '@harmony-helper/client'

// Messages for musicians. The server's own details are for developers.
const MESSAGES: Record<string, string> = {
  unsupported_recording:
    'This file is not a supported recording. Supported are WebM, MP4, Ogg, MP3, WAV and FLAC.',
  recording_too_large: 'The recording is too large. Make a shorter one, or use WebM or MP3.',
  body_too_large: 'The recording and the score together are too large. Make a shorter recording.',
  invalid_input: 'The piece, instrument, date or length is missing or not valid.',
  id_reused: 'Another session was already saved with the same id.',
  user_not_synced: 'Your account is not ready yet. Reload the page.'
}

/** The message for the user: what was wrong and what to do. */
export function messageFor({ code, detail }: Pick<Refusal, 'code' | 'detail'>): string {
  return MESSAGES[code] ?? detail
}
