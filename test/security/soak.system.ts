import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startServices } from '../helpers/app.ts'
import { startFaultyProxy } from '../helpers/faulty-proxy.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { findDifferences, reconcileAll } from './soak/audit.ts'
import { practise } from './soak/client.ts'
import { causeFaults } from './soak/faults.ts'
import { openJournal, readJournal } from './soak/journal.ts'

/** `npm run soak` takes ten minutes. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 1 / 3)
const CLIENTS = 6

t.setTimeout(0)

t.test('after load with faults of all dependencies, what was acknowledged is there', async (t) => {
  const services = await startServices(t)
  const database = await startFaultyProxy(t, services.database.url)
  const storage = await startFaultyProxy(t, services.storage.url)
  const directory = t.testdir({ spools: {} })
  const env = {
    ...services.env,
    DATABASE_URL: database.url,
    SUPABASE_URL: storage.url,
    // The embedded database has one session, in which a statement waits for those of all other connections.
    DATABASE_TIMEOUT_MS: services.database.real ? '2000' : '10000',
    STORAGE_TIMEOUT_MS: '2000',
    AUTH0_TIMEOUT_MS: '1000',
    SESSION_LEASE_MS: '2000',
    DATABASE_POOL_SIZE: '6',
    TMPDIR: join(directory, 'spools')
  }
  let server = await startServerProcess(t, env)
  const crash = async () => {
    server.kill('SIGKILL')
    await server.exited
    server = await startServerProcess(t, env)
  }

  const journal = openJournal(join(directory, 'journal.jsonl'))
  const { issuer } = services
  const ending = new AbortController()
  const { signal } = ending
  const clients = Array.from({ length: CLIENTS }, () =>
    practise({ sub: `auth0|${randomUUID()}`, issuer, journal, url: () => server.url, signal })
  )
  const faults = causeFaults({ database, storage, issuer, crash, isReal: services.database.real }, signal)
  await sleep(MINUTES * 60_000)
  ending.abort()
  const faultCounts = await faults
  await Promise.all(clients)

  await crash()
  const { sessions, counts } = readJournal(journal.file)
  t.comment(JSON.stringify({ faults: faultCounts, actions: counts }))
  t.ok((counts['save acknowledged'] ?? 0) > 0, 'saves were acknowledged')
  const read = async <T>(sub: string, path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${issuer.token(sub)}` }
    const response = await fetch(`${server.url}${path}`, { headers })
    if (response.status !== 503) return (await response.json()) as T
    await sleep(500) // a busy machine exceeds the short time limits
    return read(sub, path)
  }
  t.strictSame(await findDifferences(sessions, read), [], 'all acknowledged actions, and nothing else')
  await reconcileAll(t, services)
  t.strictSame(await findDifferences(sessions, read), [], 'the reconciliation removes nothing that is used')
  server.kill('SIGTERM')
})
