import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { addToVary } from './vary.ts'

/** What the answer to a read depends on, in any order that stays the same. */
type VersionParts = ReadonlyArray<string | number | undefined>

/** The entity tag of an answer that changes exactly when one of `parts` does (RFC 9110, 8.8.3). */
export const entityTagOf = (parts: VersionParts): string =>
  `"${hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 22)}"`

/** Declares the version of an answer, and lets the client keep the answer for itself until it changes. */
export function declareVersion(reply: FastifyReply, tag: string): void {
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  for (const name of ['Authorization', 'Accept-Encoding']) addToVary(reply, name)
}

/** Whether the client has this version already (`If-None-Match`), so that the answer is 304 without a body. */
export const hasVersion = ({ headers }: FastifyRequest, tag: string): boolean =>
  includesTag(headers['if-none-match'], tag)

/**
 * Whether the header `If-None-Match` has this entity tag or is `*`. Weak tags (`W/`), which compression makes, equal
 * strong ones here (RFC 9110, section 13.1.2).
 */
export function includesTag(list: string | undefined, tag: string): boolean {
  if (list === undefined) return false
  if (list.trim() === '*') return true
  return list.split(',').some((entry) => toStrong(entry.trim()) === toStrong(tag))
}

const toStrong = (tag: string) => tag.replace(/^W\//, '')
