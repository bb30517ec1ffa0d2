import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * What happens to a connection when a chunk of it is noticed: it is cut before the chunk is passed on, or once the
 * answer to it comes; or from there on nothing travels.
 */
type Fault = 'cut' | 'cut the answer' | 'hang' | 'hang the answer'

type Watch = { text: string; fault: Fault; noticed: () => void }
type Link = { client: Socket; upstream: Socket; isHeld: boolean }

export type FaultyProxy = Awaited<ReturnType<typeof startFaultyProxy>>

/**
 * Stands between the server and a dependency, on a port of its own that stays the same, and breaks what passes as the
 * test says. What hangs is kept, and arrives late once it is resumed: as from a process that was stopped for a while.
 */
export async function startFaultyProxy(t: Test, target: string) {
  const { hostname, port: targetPort } = new URL(target)
  const links = new Set<Link>()
  let server: Server | undefined
  let port = 0
  let isHanging = false
  let watch: Watch | undefined
  let bytesPerSecond = Infinity

  function accept(client: Socket) {
    const upstream = connect({ host: hostname, port: Number(targetPort) })
    const link: Link = { client, upstream, isHeld: isHanging }
    links.add(link)
    client.on('data', (chunk) => passOn(link, chunk))
    upstream.on('data', (chunk) => client.write(chunk))
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      socket.on('error', () => {})
      socket.on('end', () => other.end())
      socket.on('close', () => {
        links.delete(link)
        other.destroy()
      })
    }
    if (link.isHeld) hold(link)
  }

  function passOn(link: Link, chunk: Buffer) {
    if (watch && chunk.includes(watch.text)) return breakAt(link, chunk, watch)
    link.upstream.write(chunk)
    if (bytesPerSecond === Infinity) return
    link.client.pause()
    setTimeout(() => link.client.resume(), (chunk.length / bytesPerSecond) * 1000)
  }

  function breakAt(link: Link, chunk: Buffer, { fault, noticed }: Watch) {
    watch = undefined
    if (fault === 'cut') cutOff(link)
    else if (fault === 'cut the answer') {
      link.upstream.removeAllListeners('data').once('data', () => {
        cutOff(link)
        noticed()
      })
      link.upstream.write(chunk)
      return
    } else {
      hold(link)
      // Held back, it goes first once the link is released; or it goes, and only the answer is held back.
      if (fault === 'hang') link.client.unshift(chunk)
      else link.upstream.write(chunk)
    }
    noticed()
  }

  function cutOff(link: Link) {
    link.client.resetAndDestroy()
    link.upstream.destroy()
  }

  function hold(link: Link) {
    link.isHeld = true
    link.client.pause()
    link.upstream.pause()
  }

  function release(link: Link) {
    link.isHeld = false
    link.client.resume()
    link.upstream.resume()
  }

  function cut() {
    for (const link of links) cutOff(link)
  }

  async function listen() {
    server = createServer({ allowHalfOpen: true }, accept).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  async function refuse() {
    const closing = server
    server = undefined
    cut()
    if (closing) await new Promise((resolve) => closing.close(resolve))
  }

  function hang() {
    isHanging = true
    for (const link of links) hold(link)
  }

  await listen()
  t.teardown(refuse)
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(port)

  return {
    url: url.href,
    /** Connections that are open now. */
    get open() {
      return links.size
    },
    /** New connections are refused, open ones cut. */
    refuse,
    /** Accepts connections and lets nothing through. */
    hang,
    /** Everything works again; what was held back is let go. */
    async resume() {
      isHanging = false
      watch = undefined
      bytesPerSecond = Infinity
      if (!server) await listen()
      for (const link of links) {
        if (link.client.destroyed) link.upstream.destroy()
        else release(link)
      }
    },
    /** Cuts every connection that is open. */
    cut,
    /** Lets no more than this through from the client. */
    throttle(limit: number) {
      bytesPerSecond = limit
    },
    /** Breaks the next connection on which the client sends `text`; resolves when that has happened. */
    breakOn: (text: string, fault: Fault) =>
      new Promise<void>((resolve) => {
        watch = { text, fault, noticed: resolve }
      })
  }
}
