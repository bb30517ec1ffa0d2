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

/** The error for a file that has not arrived with the others of its folder. It may come later in the archive. */
export const missingFile = (path: string) =>
  invalidArchive(
    `The file ${path} is missing, or is not next to the other files of its folder. Send the archive as it was ` +
      'exported: the files of a folder must stay together.'
  )
