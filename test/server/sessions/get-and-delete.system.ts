import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build } from '../../helpers/app.ts'

const { app, as, issuer } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const [clara, robert] = [as('auth0|clara'), as('auth0|robert')]
await clara.sync()
await robert.sync()

const saved = async (fields: Record<string, unknown> = {}) => (await clara.save(fields)).json<SessionData>()

t.test(
  'a large session that is deleted while it is read breaks off, and never continues with the next owner of its id',
  async (t) => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const length = 10_000_000
    const { id } = await saved({ xmlContent: 'a'.repeat(length) })
    const reading = request({
      port,
      host: '127.0.0.1',
      path: `/api/sessions/${id}`,
      headers: { authorization: `Bearer ${issuer.token(clara.sub)}` },
      agent: false
    }).end()
    // The body is not read yet, so that the server has to wait.
    const [response] = (await once(reading, 'response')) as [IncomingMessage]
    t.equal((await clara.remove(id)).statusCode, 204)
    t.equal((await robert.save({ id, xmlContent: 'Z'.repeat(length) })).statusCode, 201)
    let received = ''
    response.setEncoding('utf8').on('data', (text) => {
      received += text
    })
    await t.rejects(finished(response), 'the answer breaks off')
    t.match(received.slice(-100), /^a+$/)
    t.equal((await robert.remove(id)).statusCode, 204)
  }
)
