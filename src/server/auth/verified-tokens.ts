import { LRUCache } from 'lru-cache'

/** How long a verification is remembered. */
const LIFE_MS = 60_000
const MAX_TOKENS = 2000
/** Access tokens have one to two kilobytes, and at most as many as the headers of a request. */
const MAX_CHARACTERS = 4 * 1024 * 1024

type Verified = { sub: string; until: number }

/**
 * Tokens that were verified: a signature costs more than all else that a small request does. For a minute they need
 * no verification; later only `wasGood` uses them. A token is the whole `Authorization` header. `now` gives
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
