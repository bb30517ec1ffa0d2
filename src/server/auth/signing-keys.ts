import buildGetJwks from 'get-jwks'
import { ApiError } from '../errors.ts'

const MINUTE = 60_000
/** From this age on the keys are read again beside the request that noticed. */
const STALE_AFTER = 5 * MINUTE
/** From this age on a request waits for that: a key that the issuer removed dies within ten minutes. */
const EXPIRED_AFTER = 9 * MINUTE
/** Reads that unknown keys may cause: two at once, then one every twenty seconds. */
const BURST = 2
const REFILL_MS = 20_000

type Jwk = { kid?: string; kty?: string; alg?: string; use?: string }
type Options = { issuer: string; timeoutMs: number; now?: () => number }

export type SigningKeys = ReturnType<typeof createSigningKeys>

/**
 * The issuer's public keys.
 *
 * get-jwks looks keys up and turns them into PEM, but asks the network once for every `kid` it does not know, without
 * a time limit, and forgets all keys when the issuer is away for two minutes. So the key set is read here as a whole,
 * on a budget, and get-jwks is filled with it: a flood of invented key ids costs a handful of reads a minute, a
 * rotated key is found by any of them, and known keys outlive an outage of the issuer.
 */
export function createSigningKeys({ issuer, timeoutMs, now = Date.now }: Options) {
  const budget = createBudget(now)
  let keySet = createKeySet(issuer, [])

  let readAt = -Infinity
  let triedAt = -Infinity
  let failure: unknown
  let reading: Promise<void> | undefined

  async function readAll() {
    triedAt = now()
    const response = await fetch(`${issuer}.well-known/jwks.json`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error'
    })
    if (!response.ok) throw new Error(`the issuer answered ${response.status}`)
    const { keys } = (await response.json()) as { keys?: Jwk[] }
    if (!Array.isArray(keys)) throw new Error('the issuer answered without a key set')
    keySet = createKeySet(issuer, keys)
    readAt = now()
  }

  /** Reads the key set; callers at the same time share one read. */
  function read(): Promise<void> {
    reading ??= readAll()
      .then(
        () => {
          failure = undefined
        },
        (error) => {
          failure = error
          throw unavailable(error)
        }
      )
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  async function refreshKnown() {
    const age = now() - readAt
    if (age < STALE_AFTER || now() - triedAt < REFILL_MS) return
    const refreshed = read().catch(() => {}) // known keys stay good while the issuer is away
    if (age >= EXPIRED_AFTER && failure === undefined) await refreshed
  }

  async function searchUnknown(kid: string) {
    if (reading) await reading
    if (keySet.has(kid)) return
    if (budget.take()) await read()
    else if (failure !== undefined) throw unavailable(failure)
  }

  return {
    /**
     * The PEM of a signing key.
     * @throws {ApiError} invalid_token when the issuer has no such key; issuer_unavailable when that can't be known
     */
    async find(kid: string): Promise<string> {
      if (keySet.has(kid)) await refreshKnown()
      else await searchUnknown(kid)
      if (!keySet.has(kid)) {
        throw new ApiError(
          'invalid_token',
          'The access token is signed with a key that the issuer does not publish. Sign in again.'
        )
      }
      return keySet.pem(kid)
    },

    /** For readiness: rejects when the keys were never read, or could not be read when last tried. */
    async check(): Promise<void> {
      if (readAt === -Infinity && (reading || budget.take())) await read()
      if (failure !== undefined && now() - triedAt >= REFILL_MS) await read()
      if (failure !== undefined) throw unavailable(failure)
    }
  }
}

/** get-jwks holding exactly these keys, so that it never asks the network itself. */
function createKeySet(issuer: string, keys: Jwk[]) {
  const jwks = buildGetJwks({
    issuersWhitelist: [issuer],
    max: Math.max(keys.length, 1),
    ttl: Number.MAX_SAFE_INTEGER
  })
  const cacheKey = (kid: string) => jwks.generateCacheKey('RS256', kid, issuer)
  for (const key of keys.filter(isForSigning)) {
    jwks.cache.set(cacheKey(key.kid), { ...key, alg: 'RS256', domain: issuer })
  }
  return {
    has: (kid: string) => jwks.cache.get(cacheKey(kid)) !== undefined,
    pem: (kid: string) => jwks.getPublicKey({ domain: issuer, alg: 'RS256', kid })
  }
}

const isForSigning = (key: Jwk): key is Jwk & { kid: string } =>
  typeof key.kid === 'string' &&
  key.kty === 'RSA' &&
  (key.use ?? 'sig') === 'sig' &&
  (key.alg ?? 'RS256') === 'RS256'

const unavailable = (cause: unknown) =>
  new ApiError(
    'issuer_unavailable',
    'The access token cannot be checked now, because its issuer does not answer. Try again soon.',
    { cause }
  )

/** A token bucket. */
function createBudget(now: () => number) {
  let tokens = BURST
  let filledAt = now()
  return {
    take(): boolean {
      const earned = Math.floor((now() - filledAt) / REFILL_MS)
      if (earned > 0) {
        tokens = Math.min(BURST, tokens + earned)
        filledAt += earned * REFILL_MS
      }
      return tokens > 0 && tokens-- > 0
    }
  }
}
