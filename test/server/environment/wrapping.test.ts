import t from 'tap'
import { describeWrapping, unwrap } from '../../../src/server/environment/wrapping.ts'

const NAME = 'AUTH0_AUDIENCE'

t.test(
  'quotation marks and blanks around a value are reported, and left out for the checks that follow',
  async (t) => {
    const faults: Array<[value: string, fault: RegExp]> = [
      ['"https://api"', /quotation marks/],
      ["'https://api'", /quotation marks/],
      ['`https://api`', /quotation marks/],
      ['“https://api”', /quotation marks/],
      ['"https://api', /quotation marks/],
      [' "https://api" ', /quotation marks/],
      ['https://api ', /blanks or a line break/],
      ['https://api\n', /blanks or a line break/],
      ['\r\nhttps://api', /blanks or a line break/],
      ['\u00a0https://api', /blanks or a line break/],
      ['\ufeffhttps://api', /blanks or a line break/],
      ['https://api # the API', /comment/]
    ]
    for (const [value, fault] of faults) {
      t.match(describeWrapping(NAME, value), fault, JSON.stringify(value))
      t.notMatch(describeWrapping(NAME, value), /https/)
      t.equal(unwrap(value), 'https://api', JSON.stringify(value))
    }
  }
)

t.test('a value without surroundings stays as it is', async (t) => {
  for (const value of ['https://api', "it's", 'a "b" c', 'a#b', '日本']) {
    t.equal(describeWrapping(NAME, value), undefined, value)
    t.equal(unwrap(value), value, value)
  }
})

t.test('a list may have blanks', async (t) => {
  t.equal(describeWrapping('CORS_ORIGINS', ' https://a.example.com , '), undefined)
  t.match(describeWrapping('CORS_ORIGINS', '"https://a.example.com"'), /quotation marks/)
})
