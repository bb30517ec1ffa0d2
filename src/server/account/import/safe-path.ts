import { isUtf8 } from 'node:buffer'
import { invalidArchive } from './errors.ts'

const MAX_PATH_BYTES = 1024
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\\\u0000-\u001f\u007f]|^\/|^[a-z]:|(^|\/)\.\.(\/|$)/i

/**
 * Decodes the path of a file in an archive. Nothing is ever written to such a path; one that leaves the archive shows
 * that somebody has made it for an attack.
 * @throws {ApiError} invalid_archive
 */
export function readPath(bytes: Buffer, isDeclaredUtf8: boolean): string {
  if (bytes.length === 0 || bytes.length > MAX_PATH_BYTES || (isDeclaredUtf8 && !isUtf8(bytes))) {
    throw unsafe()
  }
  const path = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
  if (UNSAFE.test(path)) throw unsafe()
  return path
}

const unsafe = () =>
  invalidArchive('The archive has a file with an invalid path. Send the archive as it was exported.')
