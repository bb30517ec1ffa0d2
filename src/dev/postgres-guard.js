// @ts-check
/** @import { PGlite } from '@electric-sql/pglite' */

// Parse, Bind, Describe, Execute, Close, Flush, and the copy messages: more of the same pipeline follows.
const EXTENDED_PROTOCOL = new Set(Buffer.from('PBDECHdcf'))
const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4)

/**
 * Keeps the pipelines of different connections apart.
 *
 * pglite-socket queues single protocol messages, and holds the queue for one connection only while the database is in
 * a transaction. A parametrised query is five messages that share the unnamed statement and portal, so under load one
 * connection's Bind meets another's Parse, and answers reach the wrong client. Reporting a begun pipeline as a
 * transaction makes the queue hold it together.
 *
 * @param {PGlite} db
 * @returns {PGlite} the part of it that pglite-socket uses
 */
export function keepPipelinesApart(db) {
  let inPipeline = false

  /** @type {Pick<PGlite, 'waitReady' | 'isInTransaction' | 'runExclusive' | 'execProtocolRawStream' | 'exec'>} */
  const guarded = {
    waitReady: db.waitReady,
    isInTransaction: () => inPipeline || db.isInTransaction(),
    runExclusive: (work) => db.runExclusive(work),
    execProtocolRawStream(message, options) {
      inPipeline = EXTENDED_PROTOCOL.has(message[0] ?? 0)
      return db.execProtocolRawStream(message, options)
    },
    // The socket calls this only to roll back what a vanished connection left behind. Without the Sync that this
    // connection still owed, PostgreSQL would skip the rollback after an error in the pipeline.
    async exec(query, options) {
      await db.runExclusive(() => db.execProtocolRawStream(SYNC, { onRawData() {} }))
      inPipeline = false
      return db.exec(query, options)
    }
  }
  return /** @type {PGlite} */ (guarded)
}
