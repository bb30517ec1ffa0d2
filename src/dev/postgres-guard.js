// @ts-check
/** @import { PGlite } from '@electric-sql/pglite' */

// Parse, Bind, Describe, Execute, Close, Flush and the copy messages: the pipeline continues after them.
const EXTENDED_PROTOCOL = new Set(Buffer.from('PBDECHdcf'))
const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4)

/**
 * Keeps the pipelines of different connections apart.
 *
 * pglite-socket queues single protocol messages. It reserves the queue for one connection only while the database
 * is in a transaction. A query with parameters is five messages that share the unnamed statement and portal. Under
 * load, one connection's Bind would use another's Parse, and answers would reach the wrong client. Therefore an
 * open pipeline is reported as a transaction.
 *
 * @param {PGlite} db
 * @returns {PGlite} only the members that pglite-socket uses
 */
export function keepPipelinesApart(db) {
  let inPipeline = false

  /**
   * @type {Pick<PGlite, 'waitReady' | 'isInTransaction' | 'runExclusive' | 'execProtocolRawStream' | 'exec'>}
   */
  const guarded = {
    waitReady: db.waitReady,
    isInTransaction: () => inPipeline || db.isInTransaction(),
    runExclusive: (work) => db.runExclusive(work),
    execProtocolRawStream(message, options) {
      inPipeline = EXTENDED_PROTOCOL.has(message[0] ?? 0)
      return db.execProtocolRawStream(message, options)
    },
    // The socket calls this only to roll back the transaction of a lost connection. If that connection's
    // pipeline had an error, PostgreSQL skips all messages, the rollback included, until a Sync.
    async exec(query, options) {
      await db.runExclusive(() => db.execProtocolRawStream(SYNC, { onRawData() {} }))
      inPipeline = false
      return db.exec(query, options)
    }
  }
  return /** @type {PGlite} */ (guarded)
}
