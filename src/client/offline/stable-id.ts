import { isUuid } from '../../contract/uuid.ts'
import type { SessionData } from '../storage-service.ts'

/**
 * The id under which a local session belongs in an account: its own where that is a UUID, otherwise one made of what
 * never changes about it (version 8 of RFC 9562, by SHA-256). The same session always gets the same id, whoever
 * imports it and however often, so that nothing is ever taken twice.
 */
export async function stableId({
  id,
  date,
  songName,
  instrument,
  durationSeconds
}: SessionData): Promise<string> {
  const lowerCase = id.toLowerCase()
  if (isUuid(lowerCase)) return lowerCase
  const content = JSON.stringify(['harmony-helper', id, date, songName, instrument, durationSeconds])
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content)))
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
