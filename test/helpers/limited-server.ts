import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createLimitedServer } from '../../src/server/http/connections/limited-server.ts'

/** A whole request, as a client sends it. */
export const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Starts an HTTP server whose connections have limits. */
export async function startLimitedServer(t: Test, handle: RequestListener, options = {}) {
  const server = createLimitedServer(handle, options)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** Opens a connection and counts the answers 200 that arrive over it. */
export function openConnection(t: Test, port: number) {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (piece) => (received += piece.toString()))
  socket.on('error', () => {}) // a connection that the server closes may be reset
  t.teardown(() => socket.destroy())
  return { socket, answers: () => received.split('HTTP/1.1 200').length - 1 }
}
