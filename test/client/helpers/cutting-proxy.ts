import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A TCP proxy that cuts each connection after the client has sent `limit` bytes. */
export async function startCuttingProxy(t: Test, target: string, limit: number) {
  const { hostname, port } = new URL(target)
  const proxy = { url: '', bytes: 0, cuts: 0 }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let sent = 0
    client.on('data', (chunk) => {
      sent += chunk.length
      proxy.bytes += chunk.length
      if (sent > limit) {
        proxy.cuts++
        client.resetAndDestroy()
        return upstream.destroy()
      }
      if (!upstream.write(chunk)) client.pause()
    })
    upstream.on('drain', () => client.resume())
    upstream.pipe(client)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => other.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}
