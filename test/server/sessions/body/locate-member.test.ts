import t from 'tap'
import { createMemberLocator } from '../../../../src/server/sessions/body/locate-member.ts'

/** Splits a body that arrives in pieces of `size` bytes. */
function locate(body: string, size: number) {
  const bytes = Buffer.from(body)
  const locator = createMemberLocator('audioBase64')
  const rest: Buffer[] = []
  const value: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    for (const part of locator.split(bytes.subarray(at, at + size))) {
      if (part.kind === 'rest') rest.push(part.bytes)
      else value.push(part.bytes)
    }
  }
  return { ...locator, rest: Buffer.concat(rest), value: Buffer.concat(value) }
}

const body =
  '{"songName":"Für Elise","audioBase64":"AA\\/A","a\\u0041":{"audioBase64":"in"},"audioBase64":"BB" x}'

t.test('the locator separates the value of the member from the rest', async (t) => {
  for (const size of [1, 2, 3, 7, 1000]) {
    const { rest, value } = locate(body, size)
    t.equal(
      rest.toString(),
      '{"songName":"Für Elise","audioBase64":"","a\\u0041":{"audioBase64":"in"},"audioBase64":"" x}'
    )
    t.equal(value.toString(), 'AA\\/ABB')
  }
})

t.test('the locator reports the decoded names of the top-level members, at most a hundred', async (t) => {
  t.strictSame([...locate(body, 3).names], ['songName', 'audioBase64', 'aA'])
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`n${index}`, 0])))
  t.equal(locate(many, 1000).names.size, 100)
})

t.test('the locator maps offsets in the rest to offsets in the body as sent', async (t) => {
  for (const size of [1, 5, 1000]) {
    const { rest, toBodyOffset } = locate(body, size)
    for (const text of ['songName', '"a\\u', '"in"', ' x}']) {
      t.equal(toBodyOffset(rest.indexOf(text)), Buffer.from(body).indexOf(text), text)
    }
  }
})
