import t, { type Test } from 'tap'
import { StorageError, type Clock, type StartedUpload } from '../../../src/client/index.ts'
import { startOutboxes, states } from '../helpers/outbox.ts'
import { newSession, recording } from '../helpers/sessions.ts'

t.test('a resumable upload that has begun', async (t) => {
  const upload: StartedUpload = { uploadId: 'a', url: 'https://storage.test/a' }
  const session = newSession({ audio: recording() })

  /** A page that loses the network during the upload, and what the saves of the next page continue. */
  async function interrupt(t: Test) {
    const { open, service } = await startOutboxes(t)
    const continued: Array<StartedUpload | undefined> = []
    service.saveSession = async (_, { startedUpload, onUploadStarted } = {}) => {
      continued.push(startedUpload)
      if (continued.length === 1) await onUploadStarted?.(upload)
      throw new StorageError(0, 'network_error', 'Gone')
    }
    const page = open()
    await page.saveSession(session)
    return { page, open, continued }
  }

  await t.test('is continued by the next page, also after a change of the session', async (t) => {
    const { page, open, continued } = await interrupt(t)
    await page.updateSession(session.id, { notes: 'slowly' })
    page.close()
    await open().flush()
    t.strictSame(continued[0], undefined)
    t.strictSame(continued.at(-1), upload)
  })

  await t.test('is given up when the session is saved with another recording', async (t) => {
    const { page, continued } = await interrupt(t)
    await page.saveSession({ ...session, audio: recording(2) })
    t.equal(continued.at(-1), undefined)
  })
})

t.test('a save that is being sent', async (t) => {
  /** Holds the requests that save, until `release`. */
  async function sending(t: Test) {
    const { open, service, ...browser } = await startOutboxes(t)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    t.teardown(release)
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const save = service.saveSession.bind(service)
    let saves = 0
    service.saveSession = async (session, options = {}) => {
      if (saves++ > 0) return save(session, options)
      options.onProgress?.({ loaded: 1, total: 4 })
      begin()
      await Promise.race([
        held,
        new Promise((_resolve, reject) => {
          options.signal?.addEventListener('abort', () => reject(options.signal?.reason))
        })
      ])
      return save(session, options)
    }
    const outbox = open()
    const seen: unknown[] = []
    outbox.onSending((given) => seen.push(given))
    const session = newSession({ audio: recording(3, 2_000) })
    const kept: string[] = []
    const saved = outbox.saveSession(session, { onKept: () => kept.push('kept') })
    await begun
    return { ...browser, outbox, session, saved, kept, seen, release, saves: () => saves }
  }

  await t.test('is reported as kept before, and with its progress', async (t) => {
    const { outbox, session, saved, kept, seen, release } = await sending(t)
    t.strictSame(kept, ['kept'])
    t.strictSame(states(await outbox.getSessions()), [[session.id, 'waiting']])
    release()
    await saved
    t.strictSame(seen, [{ id: session.id }, { id: session.id, progress: { loaded: 1, total: 4 } }, undefined])
  })

  await t.test('reports its progress to each caller that waits for it', async (t) => {
    const { open, service } = await startOutboxes(t)
    let release = () => {}
    const bothSaved = new Promise<void>((resolve) => {
      release = resolve
    })
    let sent = 0
    const seen: Record<string, number[]> = { first: [], second: [] }
    const outbox = open()
    await outbox.flush()
    const session = newSession()
    const save = (caller: string, onKept = () => {}) =>
      outbox.saveSession(session, { onKept, onProgress: ({ loaded }) => seen[caller]?.push(loaded) })
    let second: Promise<void> | undefined
    service.saveSession = async (_, options) => {
      const loaded = ++sent
      second ??= save('second', release)
      await bothSaved
      options?.onProgress?.({ loaded, total: 4 })
    }
    await save('first')
    await second
    t.strictSame(seen, { first: [1], second: [1, 2] })
  })

  await t.test('can be stopped, and is sent when it is tried again', async (t) => {
    const { api, outbox, session, saved, saves } = await sending(t)
    await outbox.stop(session.id)
    await saved
    t.strictSame(states(await outbox.getSessions()), [[session.id, 'stopped']])
    t.equal((await outbox.getUserStats()).total_minutes, 10, 'it counts')
    await outbox.flush()
    t.equal(saves(), 1, '"send now" leaves it')
    await outbox.retry(session.id)
    t.strictSame(states(await outbox.getSessions()), [[session.id, undefined]])
    t.equal(api.account('token').sessions.size, 1)
  })

  await t.test('and was stopped does not wake the page', async (t) => {
    const { open } = await startOutboxes(t)
    let pauses = 0
    const clock: Clock = { now: () => new Date(), sleep: () => new Promise(() => pauses++) }
    const locks = {
      request: async (_: string, work: () => Promise<unknown>) => await work()
    } as unknown as LockManager
    const outbox = open({ isOnline: () => false, clock, locks })
    const session = newSession()
    await outbox.saveSession(session)
    await outbox.stop(session.id)
    const before = pauses
    await outbox.flush()
    t.equal(pauses, before)
  })

  await t.test('is interrupted while the account is deleted, and not sent afterwards', async (t) => {
    const { api, outbox, saved, saves } = await sending(t)
    await outbox.withoutSending(async () => {
      api.account('token').sessions.clear()
      await outbox.forget({ unsent: true })
    })
    await saved
    await outbox.flush()
    t.equal(saves(), 1)
    t.equal(api.account('token').sessions.size, 0)
  })

  await t.test('waits while the account is being deleted, and is sent if that fails', async (t) => {
    const { api, outbox, session, saved, release } = await sending(t)
    release()
    const deletion = outbox.withoutSending(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      t.equal(api.account('token').sessions.size, 0)
      throw new Error('no network')
    })
    await t.rejects(deletion, { message: 'no network' })
    await saved
    await outbox.flush()
    t.strictSame([...api.account('token').sessions.keys()], [session.id])
  })

  await t.test('does not hold up others when it is stopped', async (t) => {
    const { api, outbox, session, saved } = await sending(t)
    const next = newSession()
    const other = outbox.saveSession(next)
    await outbox.stop(session.id)
    await Promise.all([saved, other])
    t.strictSame([...api.account('token').sessions.keys()], [next.id])
  })

  await t.test('ends when it is deleted', async (t) => {
    const { api, outbox, session, saved } = await sending(t)
    await outbox.deleteSession(session.id)
    await saved
    t.strictSame(await outbox.getSessions(), [])
    t.equal(api.account('token').sessions.size, 0)
  })
})

t.test('a token that does not arrive does not keep the account from being deleted', async (t) => {
  let requestToken = () => {}
  const requested = new Promise<void>((resolve) => {
    requestToken = resolve
  })
  const { open } = await startOutboxes(t, 'token', {
    getAccessToken: () => {
      requestToken()
      return new Promise(() => {})
    }
  })
  const outbox = open()
  await new Promise<void>((resolve) => {
    outbox.saveSession(newSession(), { onKept: resolve }).catch(() => {})
  })
  await requested
  t.equal(await outbox.withoutSending(async () => 'deleted'), 'deleted')
})
