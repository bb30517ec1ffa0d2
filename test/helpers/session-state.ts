import type { Test } from 'tap'
import { loadConfig } from '../../src/server/config.ts'
import { createStorage } from '../../src/server/storage/storage.ts'
import { keyOf } from '../../src/server/storage/recording-keys.ts'
import type { Services } from './app.ts'
import { query } from './scratch-database.ts'

type Row = { id: string; user_id: string; audio_url: string | null; sub: string }

/** Reads the state from database and bucket, without the server. */
async function readState({ env }: Pick<Services, 'env'>) {
  const config = loadConfig(env)
  const rows = await query<Row>(
    config.database.url,
    `
    SELECT sessions.id, user_id, audio_url, auth0_id AS sub FROM sessions JOIN users ON users.id = user_id`
  )
  const users = await query<{ sub: string; streak_count: number }>(
    config.database.url,
    'SELECT auth0_id AS sub, streak_count FROM users'
  )
  const leases = await query<{ session_id: string; holder: string | null }>(
    config.database.url,
    'SELECT session_id, holder FROM session_leases'
  )
  const storage = createStorage(config.storage, config)
  const objects: string[] = []
  for await (const folder of storage.list('')) {
    for await (const { key } of storage.list(folder.key)) objects.push(key)
  }
  await storage.close()
  return { rows, users, leases, objects, bucket: config.storage.bucket }
}

/**
 * Checks the invariants of a server at rest: the object of each row exists, and each streak agrees with the
 * sessions, which must all be dated today.
 */
export async function expectSound(t: Test, services: Pick<Services, 'env'>) {
  const state = await readState(services)
  const objects = new Set(state.objects)
  const broken = state.rows.filter(
    ({ audio_url: url }) => url?.includes(`/${state.bucket}/`) && !objects.has(keyOf(url))
  )
  t.strictSame(broken, [], 'no row lacks its object')
  const practising = new Set(state.rows.map(({ sub }) => sub))
  t.strictSame(
    state.users.filter(({ sub, streak_count: streak }) => streak !== (practising.has(sub) ? 1 : 0)),
    [],
    'every streak is right'
  )
  return state
}
