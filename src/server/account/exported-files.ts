import type { StoredSession } from '../sessions/repository.ts'
import { keyOf } from '../storage/recording-keys.ts'

/** Names of a session's files in its folder. */
export const SESSION_JSON = 'session.json'
export const SCORE = 'score.musicxml'
export const MARKED_SCORE = 'score_marked.musicxml'
export const RECORDING = 'recording'

/** What the manifest calls the format of the archive. */
export const FORMAT = 'harmony-helper-export'
/** Increases when an earlier server could not import the archive. Version 1 had one file with all sessions. */
export const VERSION = 2

/** Paths in the archive. They sort by date, and hold nothing that a file system refuses. */
type SessionPaths = {
  session: string
  score: string | null
  markedScore: string | null
  recording: string | null
}

/** Where the archive has the files of a session; null for what the session does not have. */
export function pathsOf({ id, date, audioUrl, xmlBytes, markedBytes }: StoredSession): SessionPaths {
  const folder = `sessions/${date.toISOString().slice(0, 10)}_${id}`
  return {
    session: `${folder}/${SESSION_JSON}`,
    score: xmlBytes === null ? null : `${folder}/${SCORE}`,
    markedScore: markedBytes === null ? null : `${folder}/${MARKED_SCORE}`,
    recording: audioUrl === null ? null : `${folder}/${RECORDING}.${keyOf(audioUrl).split('.').at(-1)}`
  }
}
