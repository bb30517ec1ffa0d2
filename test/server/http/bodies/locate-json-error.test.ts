import fc from 'fast-check'
import t from 'tap'
import { locateJsonError } from '../../../../src/server/http/bodies/locate-json-error.ts'
import { runsOf } from '../../../helpers/property-runs.ts'

const isJson = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('the first character that is not allowed is found', async (t) => {
  for (const [text, index] of [
    ['not json', 0],
    ["{'a':1}", 1],
    ['{"a":1,}', 7],
    ['{"a":1 "b":2}', 7],
    ['{"a" 1}', 5],
    ['{"a":NaN}', 5],
    ['{"a":01}', 6],
    ['{"a":1.}', 6],
    ['{"a":+1}', 5],
    ['{"a":[1,]}', 8],
    ['{"a":[1}', 7],
    ['{1:2}', 1],
    ['{"a":"\n"}', 6],
    ['{"a":"\\x"}', 6],
    ['{"a":"\\ud"}', 6],
    ['{} {}', 3],
    ['{"a":1}}', 7],
    [']', 0],
    ['', 0],
    ['  ', 2],
    ['{"a":1', 6],
    ['{"a":"b', 7],
    ['[[', 2],
    ['{"a":', 5]
  ] as const) {
    t.equal(locateJsonError(text), index, text)
  }
})

t.test('well-formed JSON has no error', async (t) => {
  for (const text of [
    ' {"a":[1,-0.5e+3,true,false,null,{}],"b":"\\u00e9\\"\\n","c":[]}\n',
    '5',
    '""',
    'null',
    '[[]]'
  ]) {
    t.equal(locateJsonError(text), -1, text)
  }
})

t.test('depth and length do not matter', async (t) => {
  const deep = '['.repeat(1_000_000)
  t.equal(locateJsonError(deep), deep.length)
  t.equal(locateJsonError(`${deep}}`), deep.length)
  t.equal(locateJsonError(`{"a":"${'x'.repeat(5_000_000)}"} x`), 5_000_009)
})

t.test('it agrees with JSON.parse, and what stands before the error could have been continued', async (t) => {
  const pieces = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '"a"',
      '"b":',
      '1',
      '-',
      '.',
      '0',
      'e',
      'true',
      'nul',
      ' ',
      '\\',
      '\\u00',
      '\n',
      'é'
    ]
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
        fc.tuple(fc.json(), fc.nat(), pieces).map(([json, at, piece]) => {
          const cut = at % (json.length + 1)
          return json.slice(0, cut) + piece + json.slice(cut)
        }),
        fc.json()
      ),
      (text) => {
        const index = locateJsonError(text)
        return (index === -1) === isJson(text) && index <= text.length
      }
    ),
    { numRuns: runsOf(2000) }
  )
})
