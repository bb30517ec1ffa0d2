import { UUID_PATTERN } from '../../contract/uuid.ts'
import { invalidInput } from '../errors.ts'

/**
 * Position of a row in the history, in PostgreSQL's microseconds: a JavaScript Date would lose three digits.
 */
export type Position = { micros: string; id: string }

/** The `cursor` of the page after a position. Clients do not look into it. */
export const encodeCursor = ({ micros, id }: Position): string =>
  Buffer.from(`${micros}/${id}`).toString('base64url')

const CURSOR = new RegExp(`^(-?\\d{1,16})/(${UUID_PATTERN})$`)

/** @throws {ApiError} invalid_input for any text that encodeCursor cannot produce */
export function decodeCursor(cursor: string): Position {
  const [, micros, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (!micros || !id) throw invalidInput('cursor', 'must be taken from the Link header of the previous page')
  return { micros, id }
}
