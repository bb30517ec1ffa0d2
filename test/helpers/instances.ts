import type { Test } from 'tap'
import type { SessionListItem } from '../../src/contract/session-list.ts'
import { startServices } from './app.ts'
import { startBuiltServer, type BuiltServer } from './built-server.ts'
import { findFreePort } from './free-port.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { startRedis } from './redis.ts'

type Call = { method?: string; path: string; body?: object; headers?: Record<string, string> }
export type Answer = { status: number; etag: string; json: any }

/**
 * Instances of the built server on one PgBouncer in transaction mode, one Redis and one PostgreSQL. `env` changes the
 * environment of all.
 */
export async function startInstances(t: Test, count: number, env: NodeJS.ProcessEnv) {
  const services = await startServices(t)
  const redisPort = await findFreePort()
  t.teardown((await startRedis(redisPort)).stop)
  const pooler = await startPgBouncer(t, { url: services.database.url, poolSize: 12 })
  const variables = {
    ...services.env,
    DATABASE_URL: pooler.url,
    PREPARED_STATEMENTS: 'auto',
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    DATABASE_POOL_SIZE: '6',
    ...env
  }
  const start = () => startBuiltServer(t, variables)
  const instances = await Promise.all(Array.from({ length: count }, start))
  return { services, env: variables, instances, start, as: (sub: string) => createClient(services, sub) }
}

export type Client = ReturnType<typeof createClient>

/** Calls instances as the user `sub`. A call rejects if the instance cuts it. */
function createClient({ issuer, database }: Awaited<ReturnType<typeof startServices>>, sub: string) {
  const authorization = `Bearer ${issuer.token(sub)}`

  async function call({ url }: Pick<BuiltServer, 'url'>, { method = 'GET', path, body, headers }: Call) {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) })
    })
    const text = await answer.text()
    const etag = answer.headers.get('etag') ?? ''
    return { status: answer.status, etag, json: text === '' ? null : JSON.parse(text) } as Answer
  }

  return {
    sub,
    call,
    sync: (at: BuiltServer) =>
      call(at, {
        method: 'POST',
        path: '/api/users/sync',
        body: { auth0_id: sub, email: 'clara@example.com' }
      }),
    save: (at: BuiltServer, fields: object) =>
      call(at, {
        method: 'POST',
        path: '/api/sessions',
        body: { songName: 'Ode to Joy', instrument: 'Piano', duration: 60, ...fields }
      }),
    list: async (at: BuiltServer): Promise<SessionListItem[]> =>
      (await call(at, { path: '/api/sessions' })).json
  }
}
