import { createPublicKey, type JsonWebKey } from 'node:crypto'
import buildGetJwks from 'get-jwks'
import { readLimited } from './read-limited.ts'

/** A JSON Web Key (RFC 7517). */
type Jwk = JsonWebKey & { kid: string }

/** Of an RS256 key (RFC 7518, section 3.3). */
const MIN_BITS = 2048

/** Key sets have a few kilobytes. */
const MAX_BYTES = 1024 * 1024

/** The signing keys that the issuer published at one time. */
type KeySet = ReturnType<typeof createKeySet>

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
  const { keys } = JSON.parse(await readLimited(response, MAX_BYTES)) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('the issuer answered without a key set')
  return createKeySet(issuer, keys)
}

/**
 * The RS256 signing keys of one key set; other entries are ignored (RFC 7517, section 5). The cache of
 * get-jwks contains all of them, so it sends no request.
 */
export function createKeySet(issuer: string, keys: unknown[]) {
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

const isForSigning = (entry: unknown): entry is Jwk => {
  const { kid, kty, use = 'sig', alg = 'RS256' } = (entry ?? {}) as Partial<Jwk>
  return typeof kid === 'string' && kty === 'RSA' && use === 'sig' && alg === 'RS256' && isKey(entry as Jwk)
}

function isKey(jwk: Jwk): boolean {
  try {
    const { modulusLength = 0 } = createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails ?? {}
    return modulusLength >= MIN_BITS
  } catch {
    return false
  }
}
