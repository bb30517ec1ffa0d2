/**
 * Returns an access token. The options are Auth0's own, so `getAccessTokenSilently` can be passed as it is. `off`
 * requests a fresh token, because the server rejected the cached one.
 */
export type GetAccessToken = (options: { cacheMode: 'on' | 'off' }) => Promise<string>

/** Access tokens for requests. Concurrent requests that need a fresh token share one refresh. */
export function createTokenSource(getAccessToken: GetAccessToken) {
  let refreshing: Promise<string> | undefined
  return {
    current: async () => refreshing ?? getAccessToken({ cacheMode: 'on' }),
    fresh() {
      refreshing ??= getAccessToken({ cacheMode: 'off' }).finally(() => {
        refreshing = undefined
      })
      return refreshing
    }
  }
}
