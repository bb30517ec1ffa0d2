import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { describeUndecodable, findRefusalReason, refusedToken, type DecodedToken } from './refusals.ts'
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
    /** The subject of the request's token, if that was verified shortly before. */
    findVerified: (request: FastifyRequest) => string | undefined
    /** An onRequest hook that requires a valid access token. It runs before the body is read. */
    authenticate: (request: FastifyRequest) => Promise<void>
  }
  interface FastifyRequest {
    /** The result of `findVerified`, kept because several hooks call it. */
    verifiedSub: string | undefined
  }
}

type Options = { config: Pick<Config, 'auth'>; now: () => Date }
/** Clocks of issuer and server may differ by this much. */
const TOLERANCE_MS = 10_000

/** Verifies Auth0 access tokens (RFC 9068, RFC 6750). */
async function auth(app: FastifyInstance, { config, now }: Options) {
  const { issuer, audience, timeoutMs } = config.auth
  const nowMs = () => now().getTime()
  const verifiedTokens = createVerifiedTokens(nowMs)
  const signingKeys = createSigningKeys({
    issuer,
    timeoutMs,
    now: nowMs,
    onRead: verifiedTokens.clear
  })
  app.decorate('signingKeys', signingKeys)

  await app.register(jwt, {
    decode: { complete: true },
    secret: async (_request: FastifyRequest, token: unknown) => {
      return signingKeys.find(String((token as DecodedToken).header['kid']))
    },
    verify: {
      algorithms: ['RS256'],
      allowedIss: issuer,
      allowedAud: audience,
      // fast-jwt does not check `iss` and `aud` of a token that has none
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      clockTolerance: TOLERANCE_MS
    }
  })

  app.decorateRequest('verifiedSub')
  app.decorate('findVerified', (request) => {
    const { authorization } = request.headers
    if (authorization !== undefined) request.verifiedSub ??= verifiedTokens.find(authorization)
    return request.verifiedSub
  })
  app.decorate('authenticate', authenticate)

  async function authenticate(request: FastifyRequest) {
    const { authorization } = request.headers
    if (!authorization) {
      throw new ApiError('missing_token', 'Send the header `Authorization: Bearer <access token>`.')
    }
    const sub = app.findVerified(request)
    if (sub !== undefined) request.user = { sub }
    else verifiedTokens.add(authorization, await verifyUnlessTooMany(request, authorization))
  }

  /** Refuses an address that keeps sending bad tokens, but not the people there whose tokens were good before. */
  async function verifyUnlessTooMany(request: FastifyRequest, authorization: string) {
    if (!verifiedTokens.wasVerified(authorization)) await app.refusedTokens?.check(request)
    try {
      return await verify(request, authorization)
    } catch (error) {
      if ((error as ApiError).code === 'invalid_token') {
        verifiedTokens.forget(authorization)
        await app.refusedTokens?.count(request)
      }
      throw error
    }
  }

  /** @throws {ApiError} invalid_token with the reason; issuer_unavailable */
  async function verify(request: FastifyRequest, authorization: string) {
    const [, token] = /^Bearer ([^\s,]+)$/i.exec(authorization) ?? []
    if (token === undefined) throw refusedToken('not_bearer')
    const reason = findRefusalReason(decode(token), { issuer, audience, toleranceMs: TOLERANCE_MS })
    if (reason) throw refusedToken(reason)
    try {
      return await request.jwtVerify<{ sub: string; exp: number }>()
    } catch (error) {
      throw error instanceof ApiError ? error : refusedToken('signature', error)
    }
  }

  function decode(token: string): DecodedToken {
    try {
      const decoded = app.jwt.decode<DecodedToken>(token)
      if (decoded) return decoded
    } catch {
      // reported by the throw below
    }
    throw refusedToken(describeUndecodable(token))
  }
}

export default fp(auth, { name: 'auth', dependencies: ['problem-details', 'rate-limits'] })
