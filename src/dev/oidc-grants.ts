import type { IncomingMessage } from 'node:http'
import type {
  MutableRedirectUri,
  MutableResponse,
  MutableToken,
  OAuth2Service,
  TokenRequestIncomingMessage
} from 'oauth2-mock-server'

/** A user who can sign in. */
export interface IssuerUser {
  sub: string
  email: string
  name: string
  picture?: string
}

export const TOKEN_LIFETIME = 86_400

interface GrantOptions {
  audience: string
  users: IssuerUser[]
}

/** User, audience and scope of a code, refresh token or token. */
interface Grant {
  user: IssuerUser
  audience: string
  scope: string
  pkce?: boolean
}

type TokenRequestBody = Record<string, string | undefined>

/**
 * Finds the user with this `sub` or email. Returns a new user for an unknown name, and the first user without
 * one.
 */
function findUser(users: IssuerUser[], name: string | null | undefined): IssuerUser {
  const known = name ? users.find((user) => user.sub === name || user.email === name) : users[0]
  const login = name || 'musician'
  return (
    known ?? {
      sub: login.includes('|') ? login : `auth0|${login}`,
      email: login.includes('@') ? login : `${login.replace(/\W+/g, '.')}@example.com`,
      name: login
    }
  )
}

// The grant client_credentials authenticates a program. Auth0 calls its subject `{clientId}@clients`.
function findMachine(clientId = 'local'): IssuerUser {
  return { sub: `${clientId}@clients`, email: `${clientId}@example.com`, name: clientId }
}

function writeAccessToken({ payload }: MutableToken, grant: Grant, clientId: string | undefined) {
  const { audience, scope, user } = grant
  const audiences = [audience, `${payload.iss}userinfo`]
  Object.assign(payload, {
    sub: user.sub,
    aud: /\bopenid\b/.test(scope) ? audiences : audience,
    azp: clientId,
    scope
  })
}

/**
 * Makes the service keep the user, audience and scope of a login for its code, tokens and refresh token, as
 * Auth0 does. Refuses unknown codes and refresh tokens, and codes without their PKCE verifier.
 */
export function rememberGrants(service: OAuth2Service, { audience, users }: GrantOptions): void {
  const codes = new Map<string, Grant>()
  const refreshTokens = new Map<string, Grant>()

  const grantOf = (body: TokenRequestBody): Grant | undefined => {
    const requested = { audience: body['audience'] ?? audience, scope: body['scope'] ?? '' }
    switch (body['grant_type']) {
      case 'authorization_code':
        return codes.get(body['code'] ?? '')
      case 'refresh_token':
        return refreshTokens.get(body['refresh_token'] ?? '')
      case 'password':
        return { ...requested, user: findUser(users, body['username']) }
      default:
        return { ...requested, user: findMachine(body['client_id']) }
    }
  }

  service.on('beforeAuthorizeRedirect', ({ url }: MutableRedirectUri, req: IncomingMessage) => {
    const query = new URL(req.url ?? '', service.issuer.url).searchParams
    codes.set(url.searchParams.get('code') ?? '', {
      user: findUser(users, query.get('login_hint')),
      audience: query.get('audience') ?? audience,
      scope: query.get('scope') ?? '',
      pkce: query.has('code_challenge')
    })
  })

  service.on('beforeTokenSigning', (token: MutableToken, req: TokenRequestIncomingMessage) => {
    const body = req.body as unknown as TokenRequestBody
    const grant = grantOf(body)
    if (!grant) return // 'beforeResponse' refuses it
    const { payload } = token
    payload.exp = payload.iat + TOKEN_LIFETIME
    // Only access tokens have a scope. The other token is the ID token.
    if ('scope' in payload) writeAccessToken(token, grant, body['client_id'])
    else Object.assign(payload, grant.user, { email_verified: true })
  })

  service.on('beforeResponse', (response: MutableResponse, req: TokenRequestIncomingMessage) => {
    const body = req.body as unknown as TokenRequestBody
    const grant = grantOf(body)
    codes.delete(body['code'] ?? '')
    if (!grant || (grant.pkce && !body['code_verifier'])) {
      response.statusCode = 403
      response.body = {
        error: 'invalid_grant',
        error_description: 'The code or refresh token is unknown or used, or the PKCE verifier is missing'
      }
      return
    }
    const answer = response.body as Record<string, unknown>
    Object.assign(answer, { expires_in: TOKEN_LIFETIME, scope: grant.scope })
    if (body['refresh_token']) answer['refresh_token'] = body['refresh_token']
    else if (/\boffline_access\b/.test(grant.scope)) {
      refreshTokens.set(String(answer['refresh_token']), { ...grant, pkce: false })
    } else delete answer['refresh_token']
  })

  service.on('beforeUserinfo', (response: MutableResponse, req: IncomingMessage) => {
    const [, payload] = req.headers.authorization?.split('.') ?? []
    if (!payload) return Object.assign(response, { statusCode: 401, body: { error: 'invalid_token' } })
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }
    response.body = { ...findUser(users, sub), email_verified: true }
  })
}
