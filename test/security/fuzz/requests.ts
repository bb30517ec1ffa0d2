import fc from 'fast-check'
import type { OpenApi, Operation, Schema } from '../../helpers/openapi.ts'
import { mutate, mutations, odd } from './mutations.ts'
import { createValues } from './values.ts'

/** A request whose picked values are not known yet. */
export type FuzzedRequest = {
  method: string
  /** Path of the document, with `{id}`. */
  path: string
  isPrivate: boolean
  id: unknown
  query: Record<string, unknown>
  /** JSON, or bytes that are sent as they are. */
  body: unknown
  rawBody: string | undefined
  contentType: string
  user: number
  token: 'good' | 'none' | 'bad'
  tag: 'none' | 'if-match' | 'if-none-match' | 'wrong'
  /** Whether the bytes of a direct upload that begins are sent to the storage. */
  sendsBytes: boolean
}

/** Requests of all operations of the document: valid, nearly valid and wild. */
export function createRequests(document: OpenApi): fc.Arbitrary<FuzzedRequest> {
  const valuesOf = createValues(document)
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  )
  return fc.oneof(
    ...operations.map(({ path, method, operation }) => ({
      weight: weightOf(method, path),
      arbitrary: fc.record({
        method: fc.constant(method),
        path: fc.constant(path),
        isPrivate: fc.constant(operation.security?.length !== 0),
        id: fc.oneof({ weight: 8, arbitrary: valuesOf({}, 'id') }, { weight: 1, arbitrary: odd }),
        query: fuzzed(querySchema(operation), valuesOf),
        body: fuzzed(bodySchema(operation), valuesOf),
        rawBody: rarely(
          fc.oneof(
            fc.string({ unit: 'binary', maxLength: 50 }),
            fc.json().map((json) => json.slice(1))
          )
        ),
        contentType: fc.oneof(
          { weight: 40, arbitrary: fc.constant('application/json') },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              'application/merge-patch+json',
              'text/plain',
              '',
              'application/json;charset=x'
            )
          }
        ),
        user: fc.nat(1),
        token: mostly<FuzzedRequest['token']>('good', ['none', 'bad']),
        tag: mostly<FuzzedRequest['tag']>('none', ['if-match', 'if-none-match', 'wrong']),
        sendsBytes: fc.boolean()
      })
    }))
  )
}

/** Saves come often, so that there is something to find. The deletion of an account comes seldom. */
function weightOf(method: string, path: string): number {
  if (path.endsWith('/users/me') && method === 'DELETE') return 1
  if (path.endsWith('/sessions') && method === 'POST') return 16
  return path.startsWith('/api') ? 6 : 3
}

/** Half of the values are valid, most others nearly. */
const fuzzed = (schema: Schema | undefined, valuesOf: ReturnType<typeof createValues>): fc.Arbitrary<any> => {
  if (!schema) return fc.constant(undefined)
  const valid = valuesOf(schema)
  return fc.oneof(
    { weight: 5, arbitrary: valid },
    { weight: 4, arbitrary: fc.tuple(valid, mutations).map(([value, mutation]) => mutate(value, mutation)) },
    { weight: 1, arbitrary: fc.oneof(odd, fc.dictionary(fc.string({ maxLength: 8 }), odd, { maxKeys: 4 })) }
  )
}

const bodySchema = ({ requestBody }: Operation) => requestBody?.content['application/json']?.schema

const querySchema = ({ parameters = [] }: Operation): Schema => {
  const named = parameters.filter((parameter) => parameter.in === 'query')
  return {
    type: 'object',
    properties: Object.fromEntries(named.map(({ name, schema }) => [name, schema])),
    required: named.filter(({ required }) => required).map(({ name }) => name)
  }
}

const mostly = <T>(usual: T, others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) }
  )

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
