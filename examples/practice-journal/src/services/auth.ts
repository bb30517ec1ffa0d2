import { Auth0Client } from '@auth0/auth0-spa-js'

const { VITE_AUTH0_DOMAIN, VITE_AUTH0_CLIENT_ID = '', VITE_AUTH0_AUDIENCE = '' } = import.meta.env

/**
 * The Auth0 client; undefined without a configured issuer, as in mock mode. Created here instead of by
 * `Auth0Provider`, so that the storage service can request tokens.
 *
 * Tokens are in localStorage. In memory only, a reload without a network would sign the user out and hide the
 * sessions in the outbox.
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
