import type { IncomingHttpHeaders } from 'node:http'
import { errors } from './errors.ts'
import type { StoredObject } from './change-log.ts'

function seconds(date: string) {
  return Math.floor(Date.parse(date) / 1000)
}

/**
 * Whether the client's copy is current. The real server compares `If-None-Match` as it stands: a list, a weak
 * tag and `*` match nothing. The date counts only without an entity tag (RFC 9110, section 13.1).
 */
export function isFresh(headers: IncomingHttpHeaders, object: StoredObject): boolean {
  const tag = headers['if-none-match']
  const since = headers['if-modified-since']
  if (tag !== undefined) return tag === object.eTag
  return since !== undefined && seconds(object.updatedAt) <= seconds(since)
}

export interface ByteRange {
  /** First and last byte. */
  start: number
  end: number
}

/**
 * The requested range; undefined for the whole object. As on the real server, only one range is allowed, a
 * malformed one is an error, and `If-Range` is ignored.
 */
export function requestedRange(
  { range }: IncomingHttpHeaders,
  { size }: StoredObject
): ByteRange | undefined {
  if (range === undefined) return undefined
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  if (first === '' && Number(last) === 0) throw errors.invalidRange() // also for what is no range at all
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Number(last)
  if (end < start || start >= size) throw errors.invalidRange()
  return { start, end: Math.min(end, size - 1) }
}
