import type { IncomingHttpHeaders } from 'node:http'
import { errors } from './errors.ts'
import type { StoredObject } from './journal.ts'

const RANGE = /^bytes=(\d*)-(\d*)$/

function seconds(date: string) {
  return Math.floor(Date.parse(date) / 1000)
}

function includesTag(header: string, eTag: string) {
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === eTag)
}

/**
 * Whether the client's copy is current (RFC 9110, section 13.1: the date counts only without an entity tag).
 */
export function isFresh(headers: IncomingHttpHeaders, object: StoredObject): boolean {
  const tag = headers['if-none-match']
  const since = headers['if-modified-since']
  if (tag !== undefined) return includesTag(tag, object.eTag)
  return since !== undefined && seconds(object.updatedAt) <= seconds(since)
}

/**
 * The requested range, both ends inclusive; undefined for the whole object, also for several ranges, as in
 * S3.
 */
export function requestedRange(
  headers: IncomingHttpHeaders,
  object: StoredObject
): { start: number; end: number } | undefined {
  const [, first, last] = RANGE.exec(headers.range ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  const condition = headers['if-range']
  if (condition !== undefined && condition !== object.eTag) return undefined
  const { start, end } =
    first === ''
      ? { start: Math.max(0, object.size - Number(last)), end: object.size - 1 }
      : { start: Number(first), end: Math.min(last === '' ? Infinity : Number(last), object.size - 1) }
  // An invalid range is ignored.
  if (last !== '' && first !== '' && Number(last) < Number(first)) return undefined
  if (start > end) throw errors.invalidRange()
  return { start, end }
}
