import { Type, type TSchema, type TUnsafe, type Static, type StringOptions } from '@sinclair/typebox'

/**
 * Text that PostgreSQL can keep and JSON can carry unchanged: no NUL, no half of a surrogate pair (JavaScript would
 * turn it into U+FFFD on the way, and a repeated save would no longer equal the first).
 */
const UNSTORABLE = '[\\u0000\\ud800-\\udfff]'
const STORABLE_NOT_BLANK =
  '^[^\\u0000\\ud800-\\udfff]*[^\\s\\u0000\\ud800-\\udfff][^\\u0000\\ud800-\\udfff]*$'

/** A string that may be empty. What must not be in it is looked for: a pattern for the whole would overflow the stack on megabytes. */
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
    maxLength: 300,
    pattern: STORABLE_NOT_BLANK,
    description: '1 to 300 characters, not only white space',
    ...options
  })

/** A UUID in its usual form of 36 characters, in either case; as the source of a pattern. */
export const UUID = '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'

export const Uuid = (options: StringOptions = {}) =>
  Type.String({
    pattern: `^${UUID}$`,
    description: 'a UUID such as 3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11',
    ...options
  })

/** The schema's value or null, as JSON Schema's `type: [x, "null"]`, which validators and serialisers handle fastest. */
export const Nullable = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema['type'], 'null'] }) as TUnsafe<Static<T> | null>
