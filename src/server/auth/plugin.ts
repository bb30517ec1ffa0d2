import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string; exp: number }
    user: { sub: string }
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    signingKeys: SigningKeys
    /** An onRequest hook that requires a valid access token. It runs before the body is read. */
    authenticate: (request: FastifyRequest) => Promise<void>
  }
}

type Options = { config: Pick<Config, 'auth'>; now: () => Date }
type DecodedToken = { header: { alg?: unknown; kid?: unknown } }

/** Verifies Auth0 access tokens (CONTRACT, "Rules for every endpoint"; RFC 9068, RFC 6750). */
async function auth(app: FastifyInstance, { config, now }: Options) {
  const { issuer, audience, timeoutMs } = config.auth
  const milliseconds = () => now().getTime()
  const verifiedTokens = createVerifiedTokens(milliseconds)
  const signingKeys = createSigningKeys({
    issuer,
    timeoutMs,
    now: milliseconds,
    onRead: verifiedTokens.clear
  })
  app.decorate('signingKeys', signingKeys)

  await app.register(jwt, {
    decode: { complete: true },
    secret: async (_request: FastifyRequest, token: unknown) => {
      const { alg, kid } = (token as DecodedToken).header
      if (alg !== 'RS256' || typeof kid !== 'string' || kid === '') throw invalidToken()
      return signingKeys.find(kid)
    },
    verify: {
      algorithms: ['RS256'],
      allowedIss: issuer,
      allowedAud: audience,
      // fast-jwt does not check `iss` and `aud` of a token that has none
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      clockTolerance: 10_000
    }
  })

  app.decorate('authenticate', authenticate)

  async function authenticate(request: FastifyRequest) {
    const { authorization } = request.headers
    if (!authorization) {
      throw new ApiError('missing_token', 'Send the header `Authorization: Bearer <access token>`.')
    }
    const sub = verifiedTokens.find(authorization)
    if (sub !== undefined) request.user = { sub }
    else verifiedTokens.add(authorization, await verifyUnlessTooMany(request, authorization))
  }

  /** Refuses an address that keeps sending bad tokens, but not the people there whose tokens were good before. */
  async function verifyUnlessTooMany(request: FastifyRequest, authorization: string) {
    if (!verifiedTokens.wasGood(authorization)) await app.refusedTokens?.check(request)
    try {
      return await verify(request)
    } catch (error) {
      if ((error as ApiError).code === 'invalid_token') {
        verifiedTokens.forget(authorization)
        await app.refusedTokens?.count(request)
      }
      throw error
    }
  }
}

async function verify(request: FastifyRequest): Promise<{ sub: string; exp: number }> {
  try {
    const payload = await request.jwtVerify<{ sub: string; exp: number }>()
    if (!isSubject(payload.sub)) throw invalidToken()
    return payload
  } catch (error) {
    throw error instanceof ApiError ? error : invalidToken(error)
  }
}

const isSubject = (sub: unknown) => typeof sub === 'string' && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(sub)

const invalidToken = (cause?: unknown) =>
  new ApiError(
    'invalid_token',
    'The access token is malformed, expired, or not meant for this API. Sign in again.',
    { cause }
  )

export default fp(auth, { name: 'auth', dependencies: ['problem-details', 'rate-limits'] })
