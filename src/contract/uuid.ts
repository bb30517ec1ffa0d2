/** A UUID in lower case, as part of a regular expression (RFC 9562; any version). */
export const UUID_PATTERN = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

const UUID = new RegExp(`^${UUID_PATTERN}$`)

/** Whether `text` is a UUID in lower case. */
export const isUuid = (text: string): boolean => UUID.test(text)
