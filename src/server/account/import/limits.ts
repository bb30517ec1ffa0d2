import type { Quotas } from '../../users/quotas.ts'

/** Files of one session: its JSON, two scores and a recording. */
const FILES_PER_SESSION = 4
/** The list of files, and what a file manager adds. */
const OTHER_BYTES = 100_000_000
const OTHER_FILES = 1000

/** Expanding a megabyte takes 2.5 ms of CPU time. Real texts take longer to be saved than at this rate. */
const EXPANSION_PER_SECOND = 10_000_000

/**
 * The largest archive of an account within its quotas. Texts count five times: as they are, twice in `session.json`
 * because of escape sequences, and twice in the page. A file manager may add one file for each other file.
 */
export const archiveLimits = ({ sessions, textBytes, recordingsBytes }: Quotas) => ({
  files: 2 * FILES_PER_SESSION * sessions + OTHER_FILES,
  bytes: recordingsBytes + 5 * textBytes + OTHER_BYTES,
  // Recordings are not compressed, so only the rest can be larger than it arrives.
  expansion: 5 * textBytes + OTHER_BYTES,
  expansionPerSecond: EXPANSION_PER_SECOND
})
