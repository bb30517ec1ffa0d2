import { startIssuer } from '../../src/dev/oidc-issuer.ts'
import type { Keep } from '../resources.ts'
import { startDatabase } from './database.ts'
import { startScript } from '../processes/script.ts'

export const SERVICE_KEY = 'sb_secret_of_the_bench'
const AUDIENCE = 'https://api.harmony-helper.bench'
const SUB = 'auth0|bench'

export type Services = Awaited<ReturnType<typeof startServices>>

/**
 * Starts database and issuer. Returns the environment for a server, with the storage at `storageUrl`, a
 * user's token, and what makes tokens of other users.
 */
export async function startServices(keep: Keep, storageUrl: string) {
  const database = keep(await startDatabase())
  const issuer = keep(await startIssuer({ audience: AUDIENCE }))
  const env: NodeJS.ProcessEnv = {
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    AUTH0_DOMAIN: issuer.issuer,
    AUTH0_AUDIENCE: AUDIENCE,
    RATE_LIMIT: 'off',
    SUPABASE_URL: storageUrl,
    SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY,
    // Slow queries should be measured, not rejected.
    DATABASE_TIMEOUT_MS: '60000',
    // One user may use a quarter of these, and the benchmark has one user: 16, the default for all users.
    UPLOAD_CONCURRENCY: '64'
  }
  const tokenOf = (sub: string) => issuer.token({ sub })
  return { database, env, token: await tokenOf(SUB), tokenOf }
}

/** The same with a storage that discards the bytes. */
export async function startSinkServices(keep: Keep) {
  const sink = keep(await startScript('services/storage-sink'))
  return startServices(keep, sink.ready as string)
}

/** Creates the user of the token. */
export async function syncUser(url: string, token: string) {
  const response = await fetch(`${url}/api/users/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ auth0_id: SUB, email: 'bench@example.com', name: 'Bench' })
  })
  if (!response.ok) throw new Error(`The user could not be created: ${await response.text()}`)
}
