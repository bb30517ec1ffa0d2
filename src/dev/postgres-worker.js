// @ts-check
// The thread in which the embedded PostgreSQL runs, started by postgres.ts. JavaScript, because a worker does not get
// the TypeScript loader of whoever starts it, and fetching one costs as much again as opening the database.
import { readFile } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { keepPipelinesApart } from './postgres-guard.js'

/** @param {string} path */
const readBlob = async (path) => new Blob([await readFile(path)])

/** @param {{ dataDir?: string, snapshot?: string, host: string, port: number }} options */
async function serve({ dataDir, snapshot, host, port }) {
  const db = await PGlite.create({
    ...(dataDir && { dataDir }),
    ...(snapshot && { loadDataDir: await readBlob(snapshot) })
  })
  const server = new PGLiteSocketServer({ db: keepPipelinesApart(db), host, port, maxConnections: 100 })
  try {
    await server.start()
  } catch (error) {
    await db.close()
    throw error
  }
  parentPort?.once('message', async () => {
    await server.stop()
    await db.close()
  })
  return server.getServerConn()
}

// Errors travel as plain fields: cloned, they would lose their code.
serve(workerData).then(
  (address) => parentPort?.postMessage({ address }),
  ({ message, code }) => parentPort?.postMessage({ error: message, code })
)
