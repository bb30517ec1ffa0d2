import buildGetJwks from 'get-jwks'

/** A JSON Web Key (RFC 7517). */
type Jwk = { kid?: string; kty?: string; alg?: string; use?: string }

/** The signing keys that the issuer published at one time. */
export type KeySet = ReturnType<typeof createKeySet>

/**
 * Reads the issuer's key set. `issuer` ends with a slash. Rejects after `timeoutMs` or on an unexpected
 * answer.
 */
export async function fetchKeySet(issuer: string, timeoutMs: number): Promise<KeySet> {
  const response = await fetch(`${issuer}.well-known/jwks.json`, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error'
  })
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`)
  const { keys } = (await response.json()) as { keys?: Jwk[] }
  if (!Array.isArray(keys)) throw new Error('the issuer answered without a key set')
  return createKeySet(issuer, keys)
}

/**
 * The RS256 signing keys of one key set. The cache of get-jwks contains all of them, so it sends no request.
 */
export function createKeySet(issuer: string, keys: Jwk[]) {
  const jwks = buildGetJwks({
    issuersWhitelist: [issuer],
    max: Math.max(keys.length, 1),
    ttl: Number.MAX_SAFE_INTEGER
  })
  const signingKeys = new Map(keys.filter(isForSigning).map((key) => [key.kid, key]))
  for (const [kid, key] of signingKeys) {
    jwks.cache.set(jwks.generateCacheKey('RS256', kid, issuer), { ...key, alg: 'RS256', domain: issuer })
  }
  const pems = new Map<string, Promise<string>>()

  return {
    has: (kid: string) => signingKeys.has(kid),

    /** The key as PEM, converted on its first use. `kid` must be in the set. */
    pem(kid: string): Promise<string> {
      const pem = pems.get(kid) ?? jwks.getPublicKey({ domain: issuer, alg: 'RS256', kid })
      pems.set(kid, pem)
      return pem
    }
  }
}

const isForSigning = (key: Jwk): key is Jwk & { kid: string } =>
  typeof key.kid === 'string' &&
  key.kty === 'RSA' &&
  (key.use ?? 'sig') === 'sig' &&
  (key.alg ?? 'RS256') === 'RS256'
