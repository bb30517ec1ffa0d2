/** The pattern of a UUID whose digits match `digit`. */
const uuidOf = (digit: string) => `${digit}{8}(?:-${digit}{4}){3}-${digit}{12}`

/** Source of a regular expression for a UUID of any version (RFC 9562) in lower case. */
export const UUID_PATTERN = uuidOf('[0-9a-f]')

/** As `UUID_PATTERN`, in upper or lower case. */
export const ANY_CASE_UUID_PATTERN = uuidOf('[0-9a-fA-F]')

const LOWER_CASE_UUID = new RegExp(`^${UUID_PATTERN}$`)

/** Whether `text` is a UUID in lower case. */
export const isUuid = (text: string): boolean => LOWER_CASE_UUID.test(text)
