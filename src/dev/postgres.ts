import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import lockfile from 'proper-lockfile'

/** Where the embedded PostgreSQL keeps its data and listens. */
export interface PostgresOptions {
  /** Left out, the data are in memory and end with it. */
  dataDir?: string
  /** A tar file of a data directory, which a new database begins with: quicker than making one from nothing. */
  snapshot?: string
  /** Left out, any free port. */
  port?: number
  host?: string
}

export interface Postgres {
  url: string
  /** Closes connections, then the database. Safe to call again. */
  close(): Promise<void>
}

type WorkerOptions = PostgresOptions & { host: string; port: number }

/** The worker's one answer to being started. */
type WorkerAnswer = { address: string } | { error: string; code: string | undefined }

// A killed holder's lock goes stale after 4 s; a live one renews it every 2 s, from this thread, which no query blocks.
const STALE_MS = 4000
const RETRIES = { retries: 24, factor: 1, minTimeout: 250, maxTimeout: 250 }

async function lock(dataDir: string) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  try {
    return await lockfile.lock(dataDir, { stale: STALE_MS, retries: RETRIES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error
    throw new Error(
      `The database in ${dataDir} is in use by another process: stop that one, or choose another directory`
    )
  }
}

function startWorker(workerData: WorkerOptions) {
  return new Worker(new URL('./postgres-worker.js', import.meta.url), { workerData, execArgv: [] })
}

async function addressOf(
  worker: Worker,
  exited: Promise<unknown>,
  { host, port }: WorkerOptions
): Promise<string> {
  const started = once(worker, 'message') as Promise<[WorkerAnswer]>
  const [answer] = await Promise.race([
    started,
    exited.then(() => [{ error: 'its thread ended', code: undefined }] as const)
  ])
  if ('address' in answer) return answer.address
  if (answer.code !== 'EADDRINUSE') throw new Error(`PostgreSQL did not start: ${answer.error}`)
  throw new Error(
    `Port ${port} of ${host} is taken: stop what listens there, or choose another port for PostgreSQL`
  )
}

/**
 * Starts a PostgreSQL (PGlite) that any PostgreSQL client reaches over TCP, in a thread of its own.
 *
 * It is one session behind many connections: settings are shared, and an open transaction makes all others wait. It
 * does not keep the process alive by itself. Should it die, the process dies with its error.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const settings = { host: '127.0.0.1', port: 0, ...options }
  const unlock = options.dataDir === undefined ? undefined : await lock(options.dataDir)
  const worker = startWorker(settings)
  const exited = new Promise((resolve) => worker.once('exit', resolve))

  const stop = async (how: () => unknown) => {
    await how()
    await exited
    await unlock?.()
  }
  try {
    const address = await addressOf(worker, exited, settings)
    worker.unref()
    let closing: Promise<void> | undefined
    const close = () =>
      (closing ??= stop(() => {
        worker.ref()
        worker.postMessage('close')
      }))
    return { url: `postgresql://postgres@${address}/postgres?sslmode=disable`, close }
  } catch (error) {
    await stop(() => worker.terminate())
    throw error
  }
}
