import { isUtf8 } from 'node:buffer'
import { invalidArchive } from './errors.ts'

const MAX_PATH_BYTES = 1024
/** Backslashes, absolute paths, drives, and parents. */
const UNSAFE = /\\|^\/|^[a-z]:|(^|\/)\.\.(\/|$)/i

/** A control character of ASCII. */
const isControl = (byte: number) => byte < 0x20 || byte === 0x7f

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
  if (UNSAFE.test(path) || bytes.some(isControl)) throw unsafe()
  return path
}

const unsafe = () =>
  invalidArchive('The archive has a file with an invalid path. Send the archive as it was exported.')
