import { Type, type TSchema, type TUnsafe, type Static, type StringOptions } from '@sinclair/typebox'
import { MAX_NAME_CHARACTERS } from './limits.ts'
import { ANY_CASE_UUID_PATTERN } from './uuid.ts'

/**
 * Characters that do not survive storage: PostgreSQL refuses NUL, and an unpaired surrogate becomes U+FFFD in
 * UTF-8, so that a repeated save would differ from the first.
 */
export const UNSTORABLE = '[\\u0000\\ud800-\\udfff]'
const STORABLE_NOT_BLANK =
  '^[^\\u0000\\ud800-\\udfff]*[^\\s\\u0000\\ud800-\\udfff][^\\u0000\\ud800-\\udfff]*$'

/**
 * A string that may be empty. The pattern matches the forbidden characters: one that matches the whole text
 * would overflow the stack of the regular expression on megabytes.
 */
export const Text = (options: StringOptions & { maxLength: number }) =>
  Type.String({
    not: { type: 'string', pattern: UNSTORABLE },
    description: 'text without NUL characters or unpaired surrogates',
    ...options
  })

/** A string with at least one character that is not white space. */
export const Name = (options: StringOptions = {}) =>
  Type.String({
    minLength: 1,
    maxLength: MAX_NAME_CHARACTERS,
    pattern: STORABLE_NOT_BLANK,
    description: '1 to 300 characters, not only white space',
    ...options
  })

/** A UUID in its usual form of 36 characters, in upper or lower case. */
export const Uuid = (options: StringOptions = {}) =>
  Type.String({
    pattern: `^${ANY_CASE_UUID_PATTERN}$`,
    description: 'a UUID such as 3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11',
    ...options
  })

/**
 * The value of `schema`, or null. Written as `type: [x, "null"]`, which is validated and serialised faster
 * than a union.
 */
export const Nullable = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema['type'], 'null'] }) as TUnsafe<Static<T> | null>
