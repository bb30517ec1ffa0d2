import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { largeScore } from '../../helpers/recordings.ts'

const NOW = new Date('2026-11-22T18:03:00.000Z')
const { as } = await build(t, { now: () => NOW })
const clara = as('auth0|clara')
await clara.sync()

async function saved(fields: Record<string, unknown> = {}): Promise<SessionData> {
  const response = await clara.save(fields)
  if (response.statusCode !== 201) throw new Error(response.body)
  return response.json<SessionData>()
}

const stored = async (id: string) => (await clara.get(id)).json<SessionData>()

t.test('a score of megabytes comes back unchanged, whatever characters it contains', async (t) => {
  for (const letter of ['a', 'é', '練', '𝄞']) {
    const xmlContent = `${letter}${'<note/>'.repeat(1_450_000)}`
    const { statusCode, body } = await clara.save({ xmlContent })
    t.equal(statusCode, 201, letter)
    t.equal(JSON.parse(body).xmlContent, xmlContent)
  }
})

t.test(
  'a large score is answered as a small one is, wherever its characters and escape sequences are',
  async (t) => {
    const small = await saved({ analysis: 'Mind bar 12' })
    for (const start of ['', 'x']) {
      const xmlContent = start + '𝄞\n"\\\u0001'.repeat(450_000)
      const large = await saved({ analysis: 'Mind bar 12', xmlContent })
      t.strictSame(large, { ...small, id: large.id, xmlContent })
      const response = await clara.get(large.id)
      t.match(response.headers['content-type'], /^application\/json/)
      t.strictSame(response.json(), large)
      const { statusCode, body } = await clara.call('HEAD', `/api/sessions/${large.id}`)
      t.strictSame({ statusCode, body }, { statusCode: 200, body: '' })
    }
  }
)

t.test('a score, marked up or not, may have at most 10 MB of UTF-8', async (t) => {
  const limit = 10 * 1024 * 1024
  const fits = 'é'.repeat(limit / 2)
  const { xmlContent, analysis } = await saved({ xmlContent: fits, analysis: { markedXml: fits } })
  t.ok(xmlContent === fits && analysis?.markedXml === fits)
  for (const score of [`${fits}x`, 'x'.repeat(limit + 1)]) {
    isProblem(t, await clara.save({ xmlContent: score }), 'invalid_input', '/xmlContent')
    isProblem(t, await clara.save({ analysis: { markedXml: score } }), 'invalid_input', '/analysis/markedXml')
  }
})

t.test('a score of 5 MB comes back unchanged', async (t) => {
  const xmlContent = largeScore(5_000_000)
  const { id } = await saved({ xmlContent })
  t.ok((await stored(id)).xmlContent === xmlContent)
})
