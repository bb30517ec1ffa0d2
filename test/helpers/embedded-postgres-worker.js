// @ts-check
// The thread that runs this process' embedded databases. JavaScript, because a worker does not inherit the TypeScript
// loader.
import { readFile } from 'node:fs/promises'
import { deserialize } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { MemoryFS, PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { keepPipelinesApart } from '../../src/dev/postgres-guard.js'

/** @typedef {{ directories: string[], files: Array<[path: string, content: Uint8Array]> }} DataDirectory */
/** @typedef {{ id: number, template: string, withoutZones: string[] } | { id: number, close: true }} Request */

const DATA = '/pglite/data'
// With the default of 128 MB, PGlite spends a second of CPU and 130 MB on clearing the buffers.
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB']

/** A file system in memory that starts as a copy of a data directory. */
class CopyInMemory extends MemoryFS {
  /** @param {DataDirectory} source */
  constructor(source) {
    super()
    this.source = source
  }

  /** @type {MemoryFS['init']} */
  async init(pg, options) {
    const { emscriptenOpts } = await super.init(pg, options)
    /** @param {import('@electric-sql/pglite').PostgresMod} module */
    const fill = ({ FS }) => {
      FS.mkdirTree(DATA)
      for (const path of this.source.directories) FS.mkdir(`${DATA}/${path}`)
      for (const [path, content] of this.source.files) {
        FS.writeFile(`${DATA}/${path}`, content) // which copies it
      }
    }
    const { preRun = [] } = emscriptenOpts
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...[preRun].flat(), fill] } }
  }
}

/** @type {Map<number, () => Promise<void>>} */
const open = new Map()

/** Removes time zones from the data of a database. @param {PGlite} db @param {string[]} names */
function removeZones(db, names) {
  const { FS } = /** @type {{ mod: import('@electric-sql/pglite').PostgresMod }} */ (
    /** @type {unknown} */ (db)
  ).mod
  for (const name of names) FS.unlink(`/pglite/share/postgresql/timezone/${name}`)
}

/** What was read of templates, by their files. @type {Map<string, Promise<DataDirectory>>} */
const templates = new Map()

/** @param {string} file @returns {Promise<DataDirectory>} */
function readTemplate(file) {
  const known = templates.get(file)
  if (known) return known
  const read = readFile(file).then((content) => deserialize(content))
  templates.set(file, read)
  return read
}

/** @param {number} id @param {string} template @param {string[]} withoutZones */
async function start(id, template, withoutZones) {
  const db = await PGlite.create({ fs: new CopyInMemory(await readTemplate(template)), startParams })
  removeZones(db, withoutZones)
  const server = new PGLiteSocketServer({
    db: keepPipelinesApart(db),
    host: '127.0.0.1',
    port: 0,
    maxConnections: 100
  })
  await server.start()
  open.set(id, async () => {
    await server.stop()
    await db.close()
  })
  return server.getServerConn()
}

/** @param {number} id */
async function close(id) {
  await open.get(id)?.()
  open.delete(id)
}

parentPort?.on('message', async (/** @type {Request} */ request) => {
  const { id } = request
  const result =
    'template' in request ? await start(id, request.template, request.withoutZones) : await close(id)
  parentPort?.postMessage({ id, result })
})
