import { randomUUID } from 'node:crypto'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'

/** Bytes of a row and of a piece. */
const ROW = 48 * 1024
const PIECE = 5 * ROW

const services = await startServices(t)
const { as } = await build(t, { services })
const who = as(`auth0|${randomUUID()}`)
await who.sync()
const { id } = (await who.save({})).json<{ id: string }>()

async function storeAndRead(xmlContent: string): Promise<string> {
  await who.call('PATCH', `/api/sessions/${id}`, { xmlContent })
  return (await who.call('GET', `/api/sessions/${id}`)).json<{ xmlContent: string }>().xmlContent
}

for (const character of ['a', 'é', '音', '𝄞']) {
  t.test(`a large score of ${character} is read whole, wherever rows and pieces are cut`, async (t) => {
    const bytes = Buffer.byteLength(character)
    for (let shift = 0; shift < bytes; shift++) {
      const score = 'a'.repeat(shift) + character.repeat((PIECE + 2 * ROW) / bytes)
      t.ok((await storeAndRead(score)) === score, `moved by ${shift} bytes`)
    }
  })
}

t.test('a score is read whole that ends near the end of a row or a piece', async (t) => {
  for (const edge of [2 * ROW, PIECE]) {
    for (const bytes of [edge - 1, edge, edge + 1, edge + 2, edge + 3]) {
      for (const end of ['', '音', '𝄞']) {
        const score = 'a'.repeat(bytes - Buffer.byteLength(end)) + end
        t.ok((await storeAndRead(score)) === score, `${bytes} bytes, the last ones ${end || 'a'}`)
      }
    }
  }
})
