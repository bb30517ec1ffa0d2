import { createHmac } from 'node:crypto'
import { createSigner, createVerifier, TokenError } from 'fast-jwt'
import { errors } from './errors.ts'
import type { ObjectRef } from './objects.ts'

const UPLOAD_LIFE_SECONDS = 2 * 60 * 60

type Scope = 'download' | 'upload'

/**
 * The claims of a token: it allows `scope` on one object (`url`) until `exp`, in seconds. `upsert` is for
 * uploads.
 */
export interface SignedClaims {
  url: string
  scope: Scope
  exp: number
  upsert?: boolean
}

export type SignedTokens = ReturnType<typeof createSignedTokens>

// Messages of jose, the library of the real server.
const REASONS: Record<string, string> = {
  [TokenError.codes.expired]: '"exp" claim timestamp check failed',
  [TokenError.codes.invalidSignature]: 'signature verification failed'
}

const toUrl = ({ bucketId, name }: ObjectRef) => `${bucketId}/${name}`

/**
 * The tokens of signed URLs, HS256 as on the real server. Their key is derived from the service key, so that
 * they stay valid after a restart. It is not the service key itself, so that a link does not help to guess
 * that.
 */
export function createSignedTokens(serviceKey: string) {
  const key = createHmac('sha256', serviceKey).update('signed URLs').digest('hex')
  const sign = createSigner({ key })
  const verify = createVerifier({ key, algorithms: ['HS256'] })

  function issue(claims: Omit<SignedClaims, 'exp'>, seconds: number): string {
    return sign({ ...claims, exp: Math.floor(Date.now() / 1000) + seconds })
  }

  function open(token: string): SignedClaims {
    try {
      return verify(token)
    } catch (error) {
      throw errors.invalidJwt(REASONS[(error as TokenError).code] ?? 'Invalid Compact JWS')
    }
  }

  return {
    forDownload: (ref: ObjectRef, seconds: number): string =>
      issue({ url: toUrl(ref), scope: 'download' }, seconds),
    forUpload: (ref: ObjectRef, { upsert }: { upsert: boolean }): string =>
      issue({ url: toUrl(ref), scope: 'upload', upsert }, UPLOAD_LIFE_SECONDS),

    /** Returns the claims of a token that allows `scope` on `ref`. Throws for any other token. */
    check(token: string, scope: Scope, ref: ObjectRef): SignedClaims {
      const claims = open(token)
      if (claims.scope !== scope) throw errors.invalidSignature(`Token is not scoped for ${scope}`)
      if (claims.url !== toUrl(ref)) throw errors.invalidSignature()
      return claims
    }
  }
}
