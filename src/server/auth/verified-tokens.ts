import { LRUCache } from 'lru-cache'

/** How long a verification is remembered. */
const LIFE_MS = 60_000
const MAX_TOKENS = 2000
/** A token has one to two kilobytes; the limit for headers allows 16. */
const MAX_CHARACTERS = 4 * 1024 * 1024

type Verified = { sub: string; until: number }

/**
 * Tokens that were verified. To check a signature costs more than the rest of a small request. For a minute a token
 * needs no verification; later only `wasVerified` uses it. The key is the whole `Authorization` header. `now` gives
 * milliseconds.
 */
export function createVerifiedTokens(now: () => number) {
  const tokens = new LRUCache<string, Verified>({
    max: MAX_TOKENS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_verified, authorization) => authorization.length
  })

  return {
    /** The subject of a token that needs no verification. */
    find(authorization: string): string | undefined {
      const verified = tokens.get(authorization)
      return verified && now() < verified.until ? verified.sub : undefined
    },

    /**
     * Remembers a header in its usual form. Others are verified each time: with a thousand forms of one token, a user
     * would push out the tokens of all others.
     * @param exp the token's expiry, in seconds (RFC 7519)
     */
    add(authorization: string, { sub, exp }: { sub: string; exp: number }): void {
      if (!isUsualForm(authorization)) return
      tokens.set(authorization, { sub, until: Math.min(now() + LIFE_MS, exp * 1000) })
    },

    /** Whether the token was verified once. It may have to be verified again. */
    wasVerified: (authorization: string): boolean => tokens.has(authorization),

    forget(authorization: string): void {
      tokens.delete(authorization)
    },

    /** For a new key set, which may lack the key of a token: each token has to be verified again. */
    clear(): void {
      for (const verified of tokens.values()) verified.until = 0
    }
  }
}

/** `Bearer` in this spelling, and the last character of the signature without stray bits (RFC 4648, section 3.5). */
function isUsualForm(authorization: string): boolean {
  const signature = authorization.slice(authorization.lastIndexOf('.') + 1)
  const canonical = Buffer.from(signature, 'base64url').toString('base64url')
  return authorization.startsWith('Bearer ') && signature === canonical
}
