import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { deployMigrations } from '../../src/server/database/migrations/deploy.ts'
import { embeddedTemplate } from './embedded-template.ts'

export type EmbeddedDatabase = { url: string; close(): Promise<void> }

let worker: Worker | undefined
let lastId = 0

// One thread for all databases of the process: a thread each would load PGlite each time.
function startWorker(): Worker {
  const started = new Worker(new URL('./embedded-postgres-worker.js', import.meta.url), { execArgv: [] })
  started.setMaxListeners(0)
  started.unref()
  return started
}

type Request = { id: number; template: string; withoutZones: string[] } | { id: number; close: true }

async function ask(request: Request): Promise<string> {
  const running = (worker ??= startWorker())
  running.ref()
  running.postMessage(request)
  for (;;) {
    const [answer] = (await once(running, 'message')) as [{ id: number; result: string }]
    if (answer.id === request.id) {
      running.unref()
      return answer.result
    }
  }
}

async function start(template: string, withoutZones: string[] = []): Promise<EmbeddedDatabase> {
  const id = ++lastId
  const address = await ask({ id, template, withoutZones })
  let closing: Promise<unknown> | undefined
  return {
    url: `postgresql://postgres@${address}/postgres?sslmode=disable`,
    close: async () => {
      await (closing ??= ask({ id, close: true }))
    }
  }
}

/** A migrated database in memory. `hash` names the migrations; `withoutZones` are time zones that it does not know. */
export const startEmbeddedDatabase = async (
  hash: string,
  withoutZones?: string[]
): Promise<EmbeddedDatabase> => start(await embeddedTemplate(hash, deployMigrations), withoutZones)

/** An empty database in memory. */
export const startEmptyEmbeddedDatabase = async (): Promise<EmbeddedDatabase> =>
  start(await embeddedTemplate('empty', async () => {}))
