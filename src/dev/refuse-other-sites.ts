import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http'

/** Names and addresses of this machine itself (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3). */
const LOOPBACK = /^(([\w-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])$/i

const REFUSAL = 'This development service answers pages and programs of this machine only.\n'

/**
 * Refuses the requests that a page of another site makes a browser send to a service of this machine: with a
 * `Host` of another name, which leads here by DNS rebinding, or with an `Origin` that is neither of this
 * machine nor in `origins`.
 */
export function refuseOtherSites(server: Server, origins: string[] = []): void {
  const handlers = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (isOwn(request.headers, origins)) for (const handle of handlers) handle(request, response)
    else response.writeHead(403, { 'content-type': 'text/plain' }).end(REFUSAL)
  })
}

const isOwn = ({ host, origin }: IncomingHttpHeaders, origins: string[]) =>
  isLoopback(`http://${host}`) && (origin === undefined || origins.includes(origin) || isLoopback(origin))

function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname)
}
