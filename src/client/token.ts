/**
 * Returns an access token, or undefined if the user is signed out. The options are Auth0's own, so Auth0's
 * `getAccessTokenSilently` can be passed as it is. `off` requests a fresh token, because the server rejected
 * the cached one.
 */
export type GetAccessToken = (options: { cacheMode: 'on' | 'off' }) => Promise<string | undefined>

/** Makes concurrent requests that need a fresh token share one refresh. */
export function shareRefreshes(getAccessToken: GetAccessToken): GetAccessToken {
  let refreshing: Promise<string | undefined> | undefined
  return async (options) => {
    if (options.cacheMode === 'off') {
      refreshing ??= getAccessToken(options).finally(() => {
        refreshing = undefined
      })
    }
    return refreshing ?? getAccessToken(options)
  }
}
