import { createHmac } from 'node:crypto'
import { createSigner, createVerifier, TokenError } from 'fast-jwt'
import { errors } from './errors.ts'
import type { ObjectRef } from './objects.ts'

const UPLOAD_LIFE_SECONDS = 2 * 60 * 60

type Scope = 'download' | 'upload'

/** What a token says: a right to one `scope` on one object, until `exp` (seconds). `upsert` belongs to uploads. */
export interface SignedClaims {
  url: string
  scope: Scope
  exp: number
  upsert?: boolean
}

export type SignedTokens = ReturnType<typeof createSignedTokens>

// Messages of jose, which the real server uses.
const REASONS: Record<string, string> = {
  [TokenError.codes.expired]: '"exp" claim timestamp check failed',
  [TokenError.codes.invalidSignature]: 'signature verification failed'
}

const toUrl = ({ bucketId, name }: ObjectRef) => `${bucketId}/${name}`

/**
 * The tokens of signed URLs, HS256 as on the real server. Their key is made of the service key, so that they outlive
 * a restart, and is not the service key, so that nobody can guess at that from a link.
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

    /** The claims of a token that gives the right to `scope` on `ref`; throws for any other. */
    check(token: string, scope: Scope, ref: ObjectRef): SignedClaims {
      const claims = open(token)
      if (claims.scope !== scope) throw errors.invalidSignature(`Token is not scoped for ${scope}`)
      if (claims.url !== toUrl(ref)) throw errors.invalidSignature()
      return claims
    }
  }
}
