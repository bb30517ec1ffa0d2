import { isDeepStrictEqual } from 'node:util'

type Json = Record<string, unknown>
type Document = { paths?: unknown; components?: { schemas?: Json } }

/** Members whose values are data and no schemas. */
const DATA = new Set(['example', 'examples', 'default', 'enum', 'const'])

/**
 * Moves every schema with a title from the paths of an OpenAPI document into its components, under the title
 * as its name, and leaves a reference: generators of clients name their types after it.
 * @throws {Error} if two different schemas have one title
 */
export function nameSchemas<T extends Document>(document: T): T {
  const schemas: Json = { ...document.components?.schemas }

  function visit(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(visit)
    if (!isObject(value)) return value
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, DATA.has(name) ? member : visit(member)])
    )
    return typeof copy['title'] === 'string' ? refer(copy['title'], copy) : copy
  }

  // The examples of a body or an answer stand beside its schema.
  function refer(name: string, { title: _, examples: __, ...schema }: Json): Json {
    const types = [schema['type']].flat()
    const isNullable = types.includes('null')
    const named = isNullable ? { ...schema, type: types.find((type) => type !== 'null') } : schema
    if (schemas[name] && !isDeepStrictEqual(schemas[name], named)) {
      throw new Error(`Two schemas are called ${name}`)
    }
    schemas[name] = named
    const reference = { $ref: `#/components/schemas/${name}` }
    return isNullable ? { anyOf: [reference, { type: 'null' }] } : reference
  }

  const paths = visit(document.paths)
  return { ...document, paths, components: { ...document.components, schemas } }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
