import { createHash } from 'node:crypto'
import { digestContent } from '../sessions/content-digest.ts'
import type { SessionContent } from '../sessions/content.ts'

/** Namespace of the ids, chosen at random once. */
const NAMESPACE = Buffer.from('6f2a35d40e0b4c8f9a4e6f0d8f7b5c21', 'hex')

/**
 * The id of a save whose client chooses none: a UUID of version 5 (RFC 9562, section 5.5) from user and
 * content, so that an identical save is a repeat of the same session.
 * @returns undefined without a date: two equal practices are two sessions
 */
export function deriveId(sub: string, content: SessionContent): string | undefined {
  if (content.date === undefined) return undefined
  return uuidVersion5(JSON.stringify([sub, digestContent(content)]))
}

function uuidVersion5(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x50
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
