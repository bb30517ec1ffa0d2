import { keySetReads, trace } from '../diagnostics.ts'
import { ApiError } from '../errors.ts'
import { createKeySet, fetchKeySet } from './key-set.ts'
import { refusedToken } from './refusals.ts'
import { createTokenBucket } from '../http/limits/token-bucket.ts'

const MINUTE_MS = 60_000
/** From this age on, the keys are read again in the background. */
const STALE_AFTER_MS = 5 * MINUTE_MS
/**
 * From this age on, a request waits for the new keys: a key that the issuer removed is refused within ten
 * minutes.
 */
const EXPIRED_AFTER_MS = 9 * MINUTE_MS
/** Reads for unknown key ids, and for `/readyz` before the first read: two at once, then one every twenty seconds. */
const UNKNOWN_KEY_READS = 2
const RETRY_AFTER_MS = 20_000

type Options = {
  issuer: string
  timeoutMs: number
  now?: () => number
  /** Called whenever the key set was read. */
  onRead?: () => void
}

export type SigningKeys = ReturnType<typeof createSigningKeys>

/**
 * The issuer's public signing keys.
 *
 * get-jwks alone sends one request for every unknown `kid`, has no time limit, and forgets all keys when the
 * issuer is unavailable for two minutes. This cache reads the whole key set within a budget: a flood of
 * invented key ids causes a few reads a minute, a rotated key is found by the next read, and known keys
 * survive an outage of the issuer.
 */
export function createSigningKeys({ issuer, timeoutMs, now = Date.now, onRead = () => {} }: Options) {
  const budget = createTokenBucket({ capacity: UNKNOWN_KEY_READS, refillMs: RETRY_AFTER_MS, now })
  let keySet = createKeySet(issuer, [])
  let readAt = -Infinity
  let triedAt = -Infinity
  let failure: unknown
  let reading: Promise<void> | undefined

  /** Reads the key set. Concurrent callers share one read. */
  function read(): Promise<void> {
    reading ??= readOnce().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readOnce() {
    triedAt = now()
    try {
      keySet = await trace(keySetReads, () => fetchKeySet(issuer, timeoutMs), {})
      readAt = now()
      failure = undefined
      onRead()
    } catch (error) {
      failure = error
      throw unavailable(error)
    }
  }

  async function refreshIfStale() {
    const age = now() - readAt
    if (age < STALE_AFTER_MS) return
    if (now() - triedAt >= RETRY_AFTER_MS) read().catch(() => {}) // it keeps the failure
    if (age < EXPIRED_AFTER_MS || failure !== undefined) return
    await reading?.catch(() => {}) // known keys stay valid while the issuer is unavailable
  }

  async function searchUnknown(kid: string) {
    if (reading) await reading
    if (keySet.has(kid)) return
    if (budget.take()) await read()
    else if (failure !== undefined) throw unavailable(failure)
  }

  return {
    /**
     * The signing key `kid` as PEM.
     * @throws {ApiError} invalid_token when the issuer has no such key; issuer_unavailable when this cannot
     * be checked
     */
    async find(kid: string): Promise<string> {
      if (keySet.has(kid)) await refreshIfStale()
      else await searchUnknown(kid)
      if (!keySet.has(kid)) throw refusedToken('unknown_key')
      return keySet.pem(kid)
    },

    /**
     * Checks for `/readyz` that the keys can be read.
     * @throws {ApiError} issuer_unavailable when the keys were never read or the last read failed
     */
    async check(): Promise<void> {
      if (readAt === -Infinity && (reading || budget.take())) await read()
      if (failure !== undefined && now() - triedAt >= RETRY_AFTER_MS) await read()
      if (failure !== undefined) throw unavailable(failure)
    }
  }
}

const unavailable = (cause: unknown) =>
  new ApiError(
    'issuer_unavailable',
    'The access token cannot be verified: its issuer is unavailable. Retry shortly.',
    { cause }
  )
