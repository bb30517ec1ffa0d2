import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server'
import { rememberGrants, TOKEN_LIFETIME, type IssuerUser } from './oidc-grants.ts'
import { createSigningKeys, type SigningKeys, type TokenParts } from './oidc-keys.ts'
import { ENDPOINTS, routeRequests } from './oidc-routes.ts'
import { listen } from './ports.ts'
import { refuseOtherSites } from './refuse-other-sites.ts'

export interface IssuerOptions {
  /** Audience of the tokens, unless the request names another one. */
  audience: string
  host?: string
  /** Any free port by default. */
  port?: number
  /**
   * The users that the sign-in page offers. `login_hint`, or the password grant's `username`, chooses one; an
   * unknown name gets a new user.
   */
  users?: IssuerUser[]
  /** Origins of frontends elsewhere that may use the issuer. */
  origins?: string[]
  /** File of the signing key. With it, tokens stay valid after a restart. */
  keyFile?: string
}

/** The claims of a token; `expiresIn` is in seconds, a day by default. */
export interface TokenClaims {
  sub: string
  email?: string
  name?: string
  expiresIn?: number
  [claim: string]: unknown
}

export interface Issuer {
  /** Issuer URL with a trailing slash, as Auth0's. */
  issuer: string
  token(claims: TokenClaims): Promise<string>
  /** Signs any header and payload, valid or not. */
  sign(token: TokenParts): string
  /** Creates a new signing key and returns its `kid`. Older keys stay valid. */
  rotateKey(): Promise<string>
  removeKey(kid: string): void
  close(): Promise<void>
}

const DEMO_USER = { sub: 'auth0|demo', email: 'demo@example.com', name: 'Demo Musician' }

function signWithNewest(issuer: OAuth2Issuer, keys: SigningKeys) {
  const buildToken = issuer.buildToken.bind(issuer)
  issuer.buildToken = (options) => buildToken({ ...options, kid: keys.current() })
}

/**
 * Starts an issuer with Auth0's paths and claims, and without passwords. With several users, a sign-in page
 * lets the person choose one.
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { audience, host = '127.0.0.1', port = 0, users = [DEMO_USER], origins, keyFile } = options
  const oauth2 = new OAuth2Issuer(true)
  const keys = await createSigningKeys(oauth2.keys, keyFile)
  signWithNewest(oauth2, keys)
  const service = new OAuth2Service(oauth2, ENDPOINTS)
  rememberGrants(service, { audience, users })

  const server = createServer(routeRequests({ service, keys, users }))
  refuseOtherSites(server, origins)
  await listen(server, { port, host, variable: 'ISSUER_PORT' })
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
