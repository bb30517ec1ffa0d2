// @ts-check
// Worker thread of the embedded PostgreSQL, started by postgres.ts. It is JavaScript, because a worker does not
// inherit the TypeScript loader, and loading that takes as long as opening the database.
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

// A structured clone of an error has no `code`, so the fields are sent instead.
serve(workerData).then(
  (address) => parentPort?.postMessage({ address }),
  ({ message, code }) => parentPort?.postMessage({ error: message, code })
)
