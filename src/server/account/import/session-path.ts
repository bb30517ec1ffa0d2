import { UUID_PATTERN } from '../../../contract/uuid.ts'
import { MARKED_SCORE, RECORDING, SCORE, SESSION_JSON } from '../exported-files.ts'

/** Where a file of a session is in an archive. */
export type SessionPath = { folder: string; id: string; name: string }

const NAMES = [
  ...[SESSION_JSON, SCORE, MARKED_SCORE].map((name) => name.replaceAll('.', '\\.')),
  `${RECORDING}\\.\\w+`
]

/** Somebody may have unpacked the export and packed its folder again: then all paths begin with the folder. */
const SESSION_FILE = new RegExp(`^((?:.*/)?sessions/[0-9-]+_(${UUID_PATTERN}))/(${NAMES.join('|')})$`)
const MANIFEST = /(?:^|\/)manifest\.json$/

/** @returns undefined for a file that belongs to no session, such as those that a file manager adds */
export function parseSessionPath(path: string): SessionPath | undefined {
  const [, folder, id, name] = SESSION_FILE.exec(path) ?? []
  return folder && id && name ? { folder, id, name } : undefined
}

/** Whether the file is the manifest of an archive. */
export const isManifest = (path: string): boolean => MANIFEST.test(path)

/** Whether a file of a session's folder is its recording. */
export const isRecording = (name: string): boolean => name.startsWith(RECORDING)
