import fc from 'fast-check'
import { isPick } from './values.ts'

/** Values that are known to break parsers, validators and databases. */
export const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud83d',
    '\u202e',
    -1,
    0.5,
    1e21,
    -1e308,
    2 ** 31,
    2 ** 53
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    { pick: 'nothing' },
    "'; DROP TABLE users; --",
    '../..',
    'infinity',
    'now'
  ),
  fc.constantFrom(
    'x'.repeat(301),
    'x'.repeat(10_001),
    '2026-02-30T00:00:00Z',
    '1899-01-01T00:00:00Z',
    '2999-01-01'
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 })
)

export type Mutation = { at: number; kind: 'remove' | 'replace' | 'rename' | 'add' | 'wrap'; value: unknown }

export const mutations: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(20),
  kind: fc.constantFrom('remove', 'replace', 'rename', 'add', 'wrap'),
  value: odd
})

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isPick(value)

/** Changes one member of a value, which then is nearly valid. */
export function mutate(value: unknown, { at, kind, value: other }: Mutation): unknown {
  if (!isObject(value)) return other
  const names = Object.keys(value)
  const name = names[at % (names.length + 1)]
  if (name === undefined || kind === 'add') return { ...value, [`member_${at}`]: other }
  if (isObject(value[name]) && at % 2) {
    return { ...value, [name]: mutate(value[name], { at: at >> 1, kind, value: other }) }
  }
  const { [name]: member, ...rest } = value
  if (kind === 'remove') return rest
  if (kind === 'replace') return { ...rest, [name]: other }
  if (kind === 'wrap') return { ...rest, [name]: [member] }
  return {
    ...rest,
    [at % 2 ? name.toUpperCase() : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]: member
  }
}
