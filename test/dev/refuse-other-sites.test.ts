import { once } from 'node:events'
import { createServer, request, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startIssuer } from '../../src/dev/oidc-issuer.ts'
import { refuseOtherSites } from '../../src/dev/refuse-other-sites.ts'

const server = createServer((_request, response) => response.end('ok'))
refuseOtherSites(server, ['https://preview.example'])
server.listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(() => server.close())

async function statusOf(headers: OutgoingHttpHeaders, port = (server.address() as AddressInfo).port) {
  const sent = request({ port, host: '127.0.0.1', headers }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}

t.test('programs and pages of this machine are answered', async (t) => {
  for (const host of [
    'localhost:3000',
    '127.0.0.1',
    '127.8.8.8:1',
    '[::1]:3000',
    'app.localhost:3000',
    'LOCALHOST'
  ]) {
    t.equal(await statusOf({ host }), 200, host)
  }
  for (const origin of [
    'http://localhost:5173',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'https://preview.example'
  ]) {
    t.equal(await statusOf({ host: 'localhost', origin }), 200, origin)
  }
})

t.test('pages of other sites are refused', async (t) => {
  for (const host of [
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    'evil.example#localhost',
    '10.0.0.1',
    '[::2]'
  ]) {
    t.equal(await statusOf({ host }), 403, host)
  }
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null', '']) {
    t.equal(await statusOf({ host: 'localhost', origin }), 403, origin)
  }
})

t.test('the issuer gives no token to a page of another site', async (t) => {
  const origins = ['https://preview.example']
  const { issuer, close } = await startIssuer({ audience: 'https://api.test', origins })
  t.teardown(close)
  const port = Number(new URL(issuer).port)
  t.equal(await statusOf({ host: 'evil.example' }, port), 403)
  t.equal(await statusOf({ host: 'localhost', origin: 'https://evil.example' }, port), 403)
  t.not(await statusOf({ host: 'localhost', origin: origins[0] }, port), 403)
})
