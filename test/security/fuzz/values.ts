import fc from 'fast-check'
import type { OpenApi, Schema } from '../../helpers/openapi.ts'
import { fixture } from '../../helpers/recordings.ts'

/** Stands for a value that is known when the request is sent: one of those that earlier answers named. */
export type Picked = { pick: 'session' | 'upload' | 'cursor' | 'sub'; index: number }

export const isPick = (value: unknown): value is Picked =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'pick')

const pick = (from: Picked['pick']) => fc.record({ pick: fc.constant(from), index: fc.nat(7) })

export const recording = await fixture('recording.webm')
const mp3 = await fixture('recording.mp3')

const TIME_ZONES = ['UTC', 'Europe/Berlin', 'Asia/Calcutta', 'Pacific/Kiritimati', 'US/Pacific', 'Etc/GMT+5']
const DAYS = ['2026-01-01', '2026-02-28', '2026-12-31', '2024-02-29']

/** Members for which the schema does not say which values make sense. */
const BY_NAME: Record<string, fc.Arbitrary<unknown>> = {
  id: fc.oneof(
    pick('session'),
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase())
  ),
  uploadId: pick('upload'),
  auth0_id: pick('sub'),
  sub: pick('sub'),
  cursor: pick('cursor'),
  tz: fc.constantFrom(...TIME_ZONES),
  timeZone: fc.constantFrom(...TIME_ZONES, null),
  from: fc.constantFrom(...DAYS),
  to: fc.constantFrom(...DAYS),
  contentType: fc.constantFrom('audio/webm', 'audio/webm;codecs=opus', 'audio/mp4', 'audio/mpeg'),
  bytes: fc.oneof(fc.constant(recording.length), fc.integer({ min: 1, max: 1000 })),
  audioBase64: fc.constantFrom(
    null,
    '',
    recording.toString('base64'),
    `data:audio/webm;codecs=opus;base64,${recording.toString('base64')}`,
    mp3.toString('base64')
  )
}

/** Makes arbitraries of valid values from the schemas of the document. */
export function createValues(document: OpenApi) {
  return function valuesOf(given: Schema, name = ''): fc.Arbitrary<unknown> {
    const schema = resolve(document, given)
    const named = BY_NAME[name]
    if (named) return named
    const options = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined
    if (options) return fc.oneof(...options.map((option) => valuesOf(option)))
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
    if ('const' in schema) return fc.constant(schema['const'])
    const types = [schema['type']].flat() as Array<string | undefined>
    return fc.oneof(...types.map((type) => ofType(type, schema, valuesOf)))
  }
}

type ValuesOf = (schema: Schema, name?: string) => fc.Arbitrary<unknown>

function ofType(type: string | undefined, schema: Schema, valuesOf: ValuesOf): fc.Arbitrary<unknown> {
  const { minimum = -1000, maximum = 1_000_000 } = schema as Record<string, number>
  if (type === 'object') return objects(schema, valuesOf)
  if (type === 'array') return fc.array(valuesOf(schema['items'] as Schema), { maxLength: 3 })
  if (type === 'string') return strings(schema)
  if (type === 'integer') return fc.integer({ min: minimum, max: Math.min(maximum, 2 ** 31) })
  if (type === 'number') {
    return fc.oneof(
      fc.integer({ min: minimum, max: maximum }),
      fc.double({ min: minimum, max: maximum, noNaN: true })
    )
  }
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  return fc.jsonValue({ maxDepth: 2 })
}

function objects(schema: Schema, valuesOf: ValuesOf): fc.Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  const possible = Object.entries(properties).filter(
    ([, member]) => !('not' in member && !('type' in member))
  )
  const members = Object.fromEntries(possible.map(([name, member]) => [name, valuesOf(member, name)]))
  return fc.record(members, { requiredKeys: required.filter((name) => name in members) })
}

function strings(schema: Schema): fc.Arbitrary<string> {
  const {
    minLength = 0,
    maxLength = 50,
    format,
    pattern
  } = schema as { minLength?: number; maxLength?: number; format?: string; pattern?: string }
  if (format === 'date-time') return times
  if (format === 'date') return fc.constantFrom(...DAYS)
  const texts = fc.oneof(
    { weight: 20, arbitrary: fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 50) }) },
    { weight: 1, arbitrary: fc.constant('é'.repeat(Math.min(maxLength, 20_000))) },
    { weight: 1, arbitrary: fc.constant('x'.repeat(Math.min(maxLength, 150_000))) }
  )
  return pattern?.includes('\\s') ? texts.map((text) => `x${text}`.slice(0, maxLength)) : texts
}

const times = fc
  .tuple(
    fc.date({ min: new Date('2025-01-01'), max: new Date('2026-11-25'), noInvalidDate: true }),
    fc.constantFrom('Z', '+05:30', '-11:00')
  )
  .map(([date, offset]) => date.toISOString().replace('Z', offset))

function resolve(document: OpenApi, schema: Schema): Schema {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  return resolve(document, document.components['schemas']?.[reference.split('/').at(-1) ?? ''] ?? {})
}
