import { tmpdir } from 'node:os'
import { ApiError, ConfigurationFault, misconfigured } from '../../errors.ts'

/** Error codes that every request will meet: the directory is missing, or the server may not write there. */
const LASTING = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENAMETOOLONG']

/** The fault of a directory in which no spool file can be made. */
export const spoolUnwritable = (cause: unknown) =>
  new ConfigurationFault(
    'spool_unwritable',
    `No temporary file can be written in ${tmpdir()} (${codeOf(cause)}): ` +
      'set TMPDIR to a directory on a disk with free space in which the server may write',
    { cause }
  )

// Not the message, which contains the random name of the file.
const codeOf = (cause: unknown) => (cause as NodeJS.ErrnoException).code ?? 'unknown error'

/** The error for a save whose spool file cannot be written. A full disk may have room again later. */
export function toSpoolError(cause: unknown): ApiError {
  if (LASTING.includes(codeOf(cause))) return misconfigured('server_busy', spoolUnwritable(cause))
  return new ApiError('server_busy', 'The server has no disk space for the body. Retry shortly.', { cause })
}
