/**
 * Gets an access token. Called with Auth0's own options, so that `getAccessTokenSilently` can be handed over as it is;
 * `off` asks for a fresh one, because the server did not accept the last.
 */
export type GetAccessToken = (options: { cacheMode: 'on' | 'off' }) => Promise<string>

/** Tokens for requests; many that find theirs expired at once share one refresh. */
export function createTokens(getAccessToken: GetAccessToken) {
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
