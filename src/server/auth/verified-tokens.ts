import { LRUCache } from 'lru-cache'

/** How long a verification is remembered. */
const LIFE_MS = 60_000
const MAX_TOKENS = 2000
/** A token has one to two kilobytes; the limit for headers allows 16. */
const MAX_CHARACTERS = 4 * 1024 * 1024

type Verified = { sub: string; until: number }

/**
 * Tokens that were verified. To check a signature costs more than the rest of a small request. For a minute a token
 * needs no verification; later only `wasGood` uses it. A token is the whole `Authorization` header. `now` gives
 * milliseconds.
 */
export function createVerifiedTokens(now: () => number) {
  const tokens = new LRUCache<string, Verified>({
    max: MAX_TOKENS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_verified, token) => token.length
  })

  return {
    /** The subject of a token that needs no verification. */
    find(token: string): string | undefined {
      const verified = tokens.get(token)
      return verified && now() < verified.until ? verified.sub : undefined
    },

    /** @param exp the token's expiry, in seconds (RFC 7519) */
    add(token: string, { sub, exp }: { sub: string; exp: number }): void {
      tokens.set(token, { sub, until: Math.min(now() + LIFE_MS, exp * 1000) })
    },

    /** Whether the signature was good once: it may have to be verified again. */
    wasGood: (token: string): boolean => tokens.has(token),

    forget(token: string): void {
      tokens.delete(token)
    },

    /** For a new key set, which may lack the key of a token: each token has to be verified again. */
    clear(): void {
      for (const verified of tokens.values()) verified.until = 0
    }
  }
}
