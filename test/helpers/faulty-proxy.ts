import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * What happens when the watched text arrives. `cut`: the connection is reset before the text is forwarded.
 * `cut the answer`: the text is forwarded, the connection is reset when the answer arrives. `hang` and `hang
 * the answer`: the same points, but the connection stalls instead.
 */
type Fault = 'cut' | 'cut the answer' | 'hang' | 'hang the answer'

type Watch = { text: string; fault: Fault; triggered: () => void }
type Link = { client: Socket; upstream: Socket; isHeld: boolean }

export type FaultyProxy = Awaited<ReturnType<typeof startFaultyProxy>>

/**
 * Starts a TCP proxy in front of a dependency, on a fixed port, that breaks connections as the test says.
 * Data of a stalled connection is kept and delivered after `resume`, as after a process was suspended.
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

  function breakAt(link: Link, chunk: Buffer, { fault, triggered }: Watch) {
    watch = undefined
    if (fault === 'cut') cutOff(link)
    else if (fault === 'cut the answer') {
      link.upstream.removeAllListeners('data').once('data', () => {
        cutOff(link)
        triggered()
      })
      link.upstream.write(chunk)
      return
    } else {
      hold(link)
      // `hang` keeps the chunk and forwards it first after `resume`; `hang the answer` forwards it now.
      if (fault === 'hang') link.client.unshift(chunk)
      else link.upstream.write(chunk)
    }
    triggered()
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
    /** Number of open connections. */
    get open() {
      return links.size
    },
    /** Refuses new connections and resets open ones. */
    refuse,
    /** Accepts connections and forwards nothing. */
    hang,
    /** Ends every fault and forwards what was kept. */
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
    /** Resets every open connection. */
    cut,
    /** Limits what the client sends, in bytes per second. */
    throttle(limit: number) {
      bytesPerSecond = limit
    },
    /**
     * Applies `fault` to the next connection on which the client sends `text`; resolves when that happened.
     */
    breakOn: (text: string, fault: Fault) =>
      new Promise<void>((resolve) => {
        watch = { text, fault, triggered: resolve }
      })
  }
}
