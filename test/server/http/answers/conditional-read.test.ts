import t from 'tap'
import { entityTagOf, includesTag } from '../../../../src/server/http/answers/conditional-read.ts'

t.test('finds an entity tag in a list of them', (t) => {
  const cases: Array<[string | undefined, boolean]> = [
    [undefined, false],
    ['', false],
    ['"a"', true],
    ['"b"', false],
    ['W/"a"', true],
    ['"b", W/"a"', true],
    ['"b",W/"c","a"', true],
    [' * ', true],
    ['a', false],
    ['"A"', false]
  ]
  for (const [list, expected] of cases) t.equal(includesTag(list, '"a"'), expected, String(list))
  t.end()
})

t.test('gives different parts different entity tags', (t) => {
  const tags = [['ab', 1], ['a', 'b1'], ['ab', '1'], ['ab'], [undefined, 'ab'], ['ab', undefined]].map(
    entityTagOf
  )
  t.equal(new Set(tags).size, tags.length)
  for (const tag of tags) t.match(tag, /^"[\w-]{22}"$/)
  t.end()
})
