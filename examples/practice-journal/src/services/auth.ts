import { Auth0Client } from '@auth0/auth0-spa-js'

const { VITE_AUTH0_DOMAIN, VITE_AUTH0_CLIENT_ID = '', VITE_AUTH0_AUDIENCE = '' } = import.meta.env

/**
 * Who is signed in; undefined where no issuer is configured, as for the mock storage. Made here and not by
 * `Auth0Provider`, so that the storage service can ask it for tokens.
 *
 * Tokens stay in localStorage: with them in memory only, a reload without a network would sign the person out, and
 * what waits for the network would be out of sight.
 */
export const auth0 = VITE_AUTH0_DOMAIN
  ? new Auth0Client({
      domain: VITE_AUTH0_DOMAIN,
      clientId: VITE_AUTH0_CLIENT_ID,
      cacheLocation: 'localstorage',
      useRefreshTokens: true,
      authorizationParams: {
        audience: VITE_AUTH0_AUDIENCE,
        redirect_uri: location.origin + import.meta.env.BASE_URL
      }
    })
  : undefined
