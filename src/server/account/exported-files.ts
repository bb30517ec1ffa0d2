import type { StoredSession } from '../sessions/repository.ts'
import { keyOf } from '../storage/recording-keys.ts'

/** Paths in the archive. They sort by date, and hold nothing that a file system refuses. */
type SessionPaths = { score: string | null; markedScore: string | null; recording: string | null }

/** Where the archive has the files of a session; null for what the session does not have. */
export function pathsOf({ id, date, audioUrl, xmlBytes, markedBytes }: StoredSession): SessionPaths {
  const name = `${date.toISOString().slice(0, 10)}_${id}`
  return {
    score: xmlBytes === null ? null : `scores/${name}.musicxml`,
    markedScore: markedBytes === null ? null : `scores/${name}_marked.musicxml`,
    recording: audioUrl === null ? null : `recordings/${name}.${keyOf(audioUrl).split('.').at(-1)}`
  }
}
