import type { IncomingHttpHeaders } from 'node:http'

/** The size of a body that its headers announce, in bytes: Infinity for a chunked body, 0 without a body. */
export const announcedSize = (headers: IncomingHttpHeaders): number =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity
