import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openConnection, REQUEST, startLimitedServer } from '../../../helpers/limited-server.ts'
import { until } from '../../../helpers/until.ts'

t.test('answers a request without Host or with an unknown Expect, and does not handle it', async (t) => {
  const { port } = await startLimitedServer(t, (_request, response) => response.end('ok'))
  for (const [sent, answer] of [
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['GET / HTTP/1.0\r\n\r\n', /^HTTP\/1.1 200 /],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n', /^HTTP\/1.1 417 /],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n', /^HTTP\/1.1 100 .*HTTP\/1.1 200 /s]
  ] as const) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let received = ''
    socket.on('data', (piece) => (received += piece.toString()))
    socket.write(sent)
    await until(() => answer.test(received))
  }
})

t.test('answers a request that asks for another protocol as usual', async (t) => {
  const { port } = await startLimitedServer(t, (_request, response) => response.end('ok'))
  const { socket, answers } = openConnection(t, port)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  await until(() => answers() === 1)
  socket.write(REQUEST)
  await until(() => answers() === 2)
})

t.test('closes a connection that asks for a tunnel', async (t) => {
  const { port } = await startLimitedServer(t, () => t.fail('is handled'))
  const { socket } = openConnection(t, port)
  socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'close')
})

t.test('limits the connections of one address', async (t) => {
  const { port } = await startLimitedServer(t, (_request, response) => response.end('ok'), {
    maxConnectionsPerAddress: 2
  })
  const [first, , third] = [openConnection(t, port), openConnection(t, port), openConnection(t, port)]
  await once(third.socket, 'close')

  first.socket.write(REQUEST)
  await until(() => first.answers() === 1)
  first.socket.destroy()
  await sleep(50)
  const fourth = openConnection(t, port)
  fourth.socket.write(REQUEST)
  await until(() => fourth.answers() === 1)
})

t.test('closes the connection after a refusal, also if more requests have come', async (t) => {
  const { port } = await startLimitedServer(t, () => t.fail('is handled'))
  const { socket } = openConnection(t, port)
  let received = ''
  socket.on('data', (piece) => (received += piece.toString()))
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'.repeat(100))
  await once(socket, 'close')
  t.equal(received.split('HTTP/1.1 417').length - 1, 1)
})
