import { ApiError } from '../../errors.ts'

/** The error for an archive that cannot be read to its end. `detail` says what is wrong with it. */
export const invalidArchive = (detail: string, cause?: unknown) =>
  new ApiError('invalid_archive', detail, { cause })

/** The error for an archive that ends before its directory does. */
export const incompleteArchive = () =>
  invalidArchive('The archive is incomplete: its end is missing. Send all of it, or export it again.')

/** The error for a file whose bytes are not what the archive says about them. */
export const damagedFile = (path: string, cause?: unknown) =>
  invalidArchive(`The archive is damaged at the file ${path}. Export it again.`, cause)
