import { isUuid } from '../../contract/uuid.ts'
import type { SessionData } from '../storage-service.ts'

/**
 * The id of a local session in the account: its own id if that is a UUID, otherwise a UUID (version 8, RFC
 * 9562) from the SHA-256 of members that never change. The same session always gets the same id, so no import
 * creates it twice.
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
