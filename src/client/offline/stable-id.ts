import { isUuid } from '../../contract/uuid.ts'
import { importKey } from '../local-entry.ts'
import { sha256 } from '../sha256.ts'
import type { SessionData } from '../storage-service.ts'

/**
 * The id of a local session in the account: its own id if that is a UUID, otherwise a UUID (version 8, RFC
 * 9562) from the SHA-256 of members that never change. The same session always gets the same id, so no import
 * creates it twice.
 */
export function stableId(session: SessionData): string {
  const lowerCase = session.id.toLowerCase()
  if (isUuid(lowerCase)) return lowerCase
  const hex = sha256(importKey(session))
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
