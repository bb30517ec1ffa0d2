import { isTimeZone } from '../../contract/local-day.ts'
import { MAX_EMAIL, MAX_NAME, MAX_PICTURE, type SyncUser } from '../../contract/users.ts'
import { isStorable } from '../http/schema-keywords.ts'

/** Undefined keeps the stored value, null clears it. */
export type Profile = Omit<SyncUser, 'auth0_id'>

/**
 * Reads the members of a sync that are display data or convenience. None of them is a reason to refuse: a
 * value that cannot be used counts as left out, and a long name is cut.
 */
export const readProfile = (body: Readonly<Record<string, unknown>>): Profile => ({
  email: isText(body['email'], MAX_EMAIL) && body['email'].trim() !== '' ? body['email'] : undefined,
  name: clearable(body['name'], readName),
  picture: clearable(body['picture'], readPicture),
  timeZone: body['timeZone'] === null ? null : readTimeZone(body['timeZone'])
})

/** `''` and null clear the stored value. */
const clearable = (value: unknown, read: (value: unknown) => string | undefined) =>
  value === '' || value === null ? null : read(value)

const readName = (value: unknown) =>
  isText(value) ? [...value.slice(0, 2 * MAX_NAME)].slice(0, MAX_NAME).join('') : undefined

const readPicture = (value: unknown) =>
  isText(value, MAX_PICTURE) && /^https?:\/\//i.test(value) && URL.canParse(value) ? value : undefined

const readTimeZone = (value: unknown) => (typeof value === 'string' && isTimeZone(value) ? value : undefined)

/** `max` counts UTF-16 units. */
const isText = (value: unknown, max = Infinity): value is string =>
  typeof value === 'string' && value.length <= max && isStorable(value)
