import type { IssuerUser } from './oidc-grants.ts'

/** Owner of the printed token and of the first session. */
export const CLARA = { sub: 'auth0|clara', email: 'clara@example.com', name: 'Clara' }

/** The people that the sign-in page offers. */
export const PEOPLE: IssuerUser[] = [
  CLARA,
  { sub: 'auth0|robert', email: 'robert@example.com', name: 'Robert' }
]
