import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server'
import { rememberGrants, TOKEN_LIFETIME, type IssuerUser } from './oidc-grants.ts'
import { createSigningKeys, type SigningKeys, type TokenParts } from './oidc-keys.ts'

export interface IssuerOptions {
  /** What tokens are for, unless the request names another audience. */
  audience: string
  host?: string
  /** Left out, any free port. */
  port?: number
  /** Who can log in; `login_hint`, or the password grant's `username`, chooses. Others are made up on the spot. */
  users?: IssuerUser[]
  /** Keeps the signing key, so that tokens outlive a restart. */
  keyFile?: string
}

/** The claims of a token; `expiresIn` in seconds, a day unless given. */
export interface TokenClaims {
  sub: string
  email?: string
  name?: string
  expiresIn?: number
  [claim: string]: unknown
}

export interface Issuer {
  /** With Auth0's trailing slash. */
  issuer: string
  token(claims: TokenClaims): Promise<string>
  /** Signs whatever it is given, right or wrong. */
  sign(token: TokenParts): string
  /** Makes a new key, which signs from now on, and returns its `kid`. The old ones stay valid. */
  rotateKey(): Promise<string>
  removeKey(kid: string): void
  close(): Promise<void>
}

const ENDPOINTS = {
  token: '/oauth/token',
  jwks: '/.well-known/jwks.json',
  revoke: '/oauth/revoke',
  endSession: '/oidc/logout'
}

const DEMO_USER = { sub: 'auth0|demo', email: 'demo@example.com', name: 'Demo Musician' }

function redirect(res: ServerResponse, location: string | null) {
  if (location === null) return res.end('OK')
  res.writeHead(302, { location }).end()
}

function sendJwks(res: ServerResponse, keys: SigningKeys) {
  res.setHeader('access-control-allow-origin', '*').setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ keys: keys.published() }))
}

// A silent login happens in a hidden frame, which waits for a message instead of following a redirect.
async function sendWebMessage(res: ServerResponse, url: URL) {
  url.searchParams.delete('response_mode')
  const answer = await fetch(url, { redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location === null) return res.writeHead(answer.status).end(await answer.text())
  const { origin, searchParams } = new URL(location)
  const message = { type: 'authorization_response', response: Object.fromEntries(searchParams) }
  // "<" could end the script element.
  const script = JSON.stringify([message, origin]).replaceAll('<', '\\u003c')
  res.setHeader('content-type', 'text/html')
  res.end(`<!doctype html><script>(window.opener ?? window.parent).postMessage(...${script})</script>`)
}

function routeRequests(service: OAuth2Service, keys: SigningKeys): RequestListener {
  const route = async (req: IncomingMessage, res: ServerResponse) => {
    const url = new URL(req.url ?? '/', service.issuer.url)
    const { pathname, searchParams } = url
    if (pathname === ENDPOINTS.jwks) return sendJwks(res, keys)
    if (pathname === '/v2/logout') return redirect(res, searchParams.get('returnTo'))
    const silent = pathname === '/authorize' && searchParams.get('response_mode') === 'web_message'
    return silent ? await sendWebMessage(res, url) : service.requestHandler(req, res)
  }
  // A request that makes no sense must not end the development server.
  return (req, res) => route(req, res).catch((error) => res.writeHead(400).end(String(error)))
}

function signWithNewest(issuer: OAuth2Issuer, keys: SigningKeys) {
  const buildToken = issuer.buildToken.bind(issuer)
  issuer.buildToken = (options) => buildToken({ ...options, kid: keys.current() })
}

async function listen(listener: RequestListener, port: number, host: string) {
  const server = createServer(listener).listen(port, host)
  await once(server, 'listening').catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(
      `Port ${port} of ${host} is taken: stop what listens there, or choose another port for the issuer`
    )
  })
  return server
}

/** Starts an issuer with Auth0's paths, claims and logins, in which everybody's password is right. */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { audience, host = '127.0.0.1', port = 0, users = [DEMO_USER], keyFile } = options
  const oauth2 = new OAuth2Issuer(true)
  const keys = await createSigningKeys(oauth2.keys, keyFile)
  signWithNewest(oauth2, keys)
  const service = new OAuth2Service(oauth2, ENDPOINTS)
  rememberGrants(service, { audience, users })

  const server = await listen(routeRequests(service, keys), port, host)
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}/`
  oauth2.url = issuer

  const token = async ({ expiresIn = TOKEN_LIFETIME, ...claims }: TokenClaims) => {
    const iat = Math.floor(Date.now() / 1000)
    return keys.sign({ payload: { iss: issuer, aud: audience, iat, exp: iat + expiresIn, ...claims } })
  }
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { issuer, token, sign: keys.sign, rotateKey: keys.rotate, removeKey: keys.remove, close }
}
