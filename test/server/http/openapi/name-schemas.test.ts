import t from 'tap'
import { nameSchemas } from '../../../../src/server/http/openapi/name-schemas.ts'

const named = { type: 'object', title: 'Thing', properties: { part: { type: 'string', title: 'Part' } } }
const part = { type: 'string' }
const thing = { type: 'object', properties: { part: { $ref: '#/components/schemas/Part' } } }

t.test('a schema with a title becomes a component, wherever it stands', (t) => {
  const paths = { list: { schema: { type: 'array', items: named } }, one: { schema: named } }
  t.strictSame(nameSchemas({ paths, components: { schemas: { Other: part } } }), {
    paths: {
      list: { schema: { type: 'array', items: { $ref: '#/components/schemas/Thing' } } },
      one: { schema: { $ref: '#/components/schemas/Thing' } }
    },
    components: { schemas: { Other: part, Part: part, Thing: thing } }
  })
  t.end()
})

t.test('null is allowed beside the reference and not in the component', (t) => {
  const { paths, components } = nameSchemas({
    paths: { schema: { ...named, type: ['object', 'null'] } },
    components: { schemas: {} }
  })
  t.strictSame(paths, { schema: { anyOf: [{ $ref: '#/components/schemas/Thing' }, { type: 'null' }] } })
  t.strictSame(components.schemas, { Part: part, Thing: thing })
  t.end()
})

t.test('examples stay as they are', (t) => {
  const media = { example: { title: 'Thing' }, examples: { a: { value: { title: 'Thing' } } } }
  t.strictSame(nameSchemas({ paths: media, components: {} }).paths, media)
  t.end()
})

t.test('two different schemas cannot have one name', (t) => {
  const paths = [named, { ...named, properties: {} }]
  t.throws(() => nameSchemas({ paths, components: {} }), /Thing/)
  t.end()
})
