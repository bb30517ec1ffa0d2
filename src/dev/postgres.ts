import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import lockfile from 'proper-lockfile'

/** Data and address of the embedded PostgreSQL. */
export interface PostgresOptions {
  /** Without it, the data is kept in memory only. */
  dataDir?: string
  /**
   * Tar file of a data directory. A new database starts as its copy, in a tenth of the time of an empty one.
   */
  snapshot?: string
  /** Any free port by default. */
  port?: number
  host?: string
}

export interface Postgres {
  url: string
  /** Closes connections, then the database. Safe to call again. */
  close(): Promise<void>
}

type WorkerOptions = PostgresOptions & { host: string; port: number }

/** The only message of the worker, once it has started or failed. */
type WorkerAnswer = { address: string } | { error: string; code: string | undefined }

// A live process renews its lock every 2 s, from this thread, which no query blocks. The lock of a killed
// process becomes stale after 4 s.
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
    exited.then(() => [{ error: 'the worker thread exited', code: undefined }] as const)
  ])
  if ('address' in answer) return answer.address
  if (answer.code !== 'EADDRINUSE') throw new Error(`PostgreSQL did not start: ${answer.error}`)
  throw new Error(
    `Port ${port} of ${host} is taken: stop the program that listens there, or set POSTGRES_PORT to another port`
  )
}

/**
 * Starts a PostgreSQL (PGlite) in a worker thread. Any PostgreSQL client can connect over TCP.
 *
 * All connections share one session: settings are shared, and an open transaction makes all other connections
 * wait. The database does not keep the process alive. An error that ends the worker also ends the process.
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
