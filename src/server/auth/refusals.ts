import { ApiError } from '../errors.ts'

const ASK_FOR_AUDIENCE = "Request it with this API's audience, or set a Default Audience in the Auth0 tenant."

/**
 * Why a token is refused: a stable reason for the log, and its text for the answer. The texts hold no values.
 * They have the characters that `error_description` allows: ASCII without quotes and backslashes (RFC 6750,
 * section 3).
 */
const REFUSALS = {
  not_bearer: 'The Authorization header is not of the form Bearer <access token>, with one token.',
  opaque: `The access token is not a JWT: it is opaque. ${ASK_FOR_AUDIENCE}`,
  encrypted: `The access token is not a JWT that this API can read: it is encrypted. ${ASK_FOR_AUDIENCE}`,
  malformed: 'The access token is not a JWT: it is malformed. Send it as the issuer gave it.',
  algorithm:
    'The algorithm (alg) of the access token is not RS256. Set RS256 in the settings of the API in Auth0.',
  issuer: 'The issuer (iss) of the access token is not the one of this API. Sign in at its Auth0 tenant.',
  audience: `The audience (aud) of the access token does not contain this API. ${ASK_FOR_AUDIENCE}`,
  no_expiry: 'The access token has no expiry (exp). Get one that expires.',
  expired: 'The access token is expired. Get a new one.',
  not_yet_valid: 'The access token is not yet valid (nbf). Check the clocks, or wait.',
  subject:
    'The subject (sub) of the access token is not a text of 1 to 255 characters without control characters.',
  unknown_key:
    'The access token is signed with an unknown key: the issuer does not publish it. Sign in again.',
  signature: 'The signature of the access token is wrong. Sign in again.'
} as const satisfies Record<string, string>

export type RefusalReason = keyof typeof REFUSALS
export const REFUSAL_REASONS = Object.keys(REFUSALS) as RefusalReason[]

/** `invalid_token` with its reason. */
export const refusedToken = (reason: RefusalReason, cause?: unknown) =>
  new ApiError('invalid_token', REFUSALS[reason], { reason, cause })

/** A decoded token. Nothing of it is verified yet. */
export type DecodedToken = { header: Record<string, unknown>; payload: Record<string, unknown> }

type Expected = { issuer: string; audience: string; toleranceMs: number }

/**
 * What is wrong with a token apart from its key and signature; the first that applies. Some of it the
 * verification of the token would accept.
 */
export function findRefusalReason(
  { header, payload }: DecodedToken,
  expected: Expected
): RefusalReason | undefined {
  const { iss, aud, exp, nbf, sub } = payload
  const now = Date.now()
  if (header['alg'] !== 'RS256') return 'algorithm'
  if (header['crit'] !== undefined) return 'malformed'
  if (iss !== expected.issuer) return 'issuer'
  if (!isAudience(aud, expected.audience)) return 'audience'
  if (!isTime(exp)) return 'no_expiry'
  if (exp * 1000 + expected.toleranceMs < now) return 'expired'
  if (nbf !== undefined && !(isTime(nbf) && nbf * 1000 - expected.toleranceMs <= now)) {
    return 'not_yet_valid'
  }
  if (!isSubject(sub)) return 'subject'
  if (typeof header['kid'] !== 'string' || header['kid'] === '') return 'unknown_key'
  return undefined
}

/** Why a token could not be decoded. */
export function describeUndecodable(token: string): RefusalReason {
  const parts = token.split('.')
  if (parts.length === 5) return 'encrypted' // JWE, compact serialization (RFC 7516)
  return parts.length === 1 ? 'opaque' : 'malformed'
}

/** A NumericDate (RFC 7519, section 2). JSON.parse makes `1e999` infinite, which would never expire. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

function isAudience(aud: unknown, audience: string) {
  const values: unknown[] = Array.isArray(aud) ? aud : [aud]
  return values.every((value) => typeof value === 'string') && values.includes(audience)
}

const isSubject = (sub: unknown) => typeof sub === 'string' && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(sub)
