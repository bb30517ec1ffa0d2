import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { plainReads } from '../../../src/client/offline/plain-reads.ts'
import { addChanges, addDeletion, addSave } from '../../../src/client/offline/queue-item.ts'
import { createQueueStorage } from '../../../src/client/offline/queue-storage.ts'
import { startOutboxes } from '../helpers/outbox.ts'
import { newSession } from '../helpers/sessions.ts'

t.test('while the module that caches answers cannot be loaded', async (t) => {
  const { service } = await startOutboxes(t)
  const queue = createQueueStorage(new IDBFactory(), 'outbox')
  const reads = plainReads(service, queue)
  const session = newSession()
  await service.saveSession(session)

  await t.test('reads are those of the account', async (t) => {
    t.match(await reads.getSessions(), [{ id: session.id, pending: undefined }])
    t.match(await reads.getSessionById(session.id), { id: session.id, pending: undefined })
  })

  await t.test('queued changes are shown', async (t) => {
    await queue.update(session.id, (item) => addChanges(item, { songName: 'Changed' }))
    const changed = { songName: 'Changed', pending: 'waiting' }
    t.match(await reads.getSessions(), [changed])
    t.match(await reads.getSessionById(session.id), changed)
  })

  await t.test('a session that waits for its deletion is not shown', async (t) => {
    await queue.update(session.id, addDeletion)
    t.strictSame(await reads.getSessions(), [])
    t.equal(await reads.getSessionById(session.id), null)
  })

  await t.test('a session that is saved again after its deletion is shown', async (t) => {
    await queue.update(session.id, (item) => addSave(item, session))
    t.match(await reads.getSessions(), [{ id: session.id, pending: 'waiting' }])
    t.match(await reads.getSessionById(session.id), { id: session.id, pending: 'waiting' })
  })
})
