import t from 'tap'
import { StorageError, type SaveOptions, type SessionData } from '../../../src/client/index.ts'
import type { Sending } from '../../../src/client/offline/index.ts'
import { recording } from '../helpers/sessions.ts'
import { deferred, startStore, unavailable } from '../helpers/store.ts'

const settle = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 20)
  })

t.test('optimistic save', async (t) => {
  await t.test('the session shows immediately as waiting, and two clicks save once', async (t) => {
    const gate = deferred()
    let saves = 0
    const { state, service } = startStore()
    const save = service.saveSession
    service.saveSession = async (session) => {
      saves++
      await gate.promise
      await save(session)
    }
    state().startNewSession('', 'Ode to Joy', 'Piano')
    const clicks = [state().saveSession(), state().saveSession()]
    t.match(state(), { currentSession: { songName: 'Ode to Joy' }, history: [{ pending: 'waiting' }] })
    gate.release()
    await Promise.all(clicks)
    t.equal(saves, 1)
    t.match(state(), { currentSession: null, history: [{ songName: 'Ode to Joy' }] })
  })

  await t.test('a failure restores the previous state', async (t) => {
    const { state } = startStore({ saveSession: unavailable })
    state().startNewSession('', 'Ode to Joy', 'Piano')
    state().setRecordingBlob(recording())
    await t.rejects(state().saveSession(), { code: 'network_error' })
    t.match(state(), {
      currentSession: { songName: 'Ode to Joy', audio: Blob },
      history: [],
      error: { code: 'network_error' }
    })
  })

  await t.test(
    'a failed session stays in the history for a retry when another was started meanwhile',
    async (t) => {
      const gate = deferred()
      let refuse = true
      const { state, service, local } = startStore()
      service.saveSession = async (session) => {
        await gate.promise
        if (refuse) throw new StorageError(503, 'storage_unavailable', 'Later')
        await local.saveSession(session)
      }
      state().startNewSession('', 'First', 'Piano')
      state().setRecordingBlob(recording())
      const saving = state().saveSession()
      state().startNewSession('', 'Second', 'Piano')
      gate.release()
      await t.rejects(saving, { code: 'storage_unavailable' })
      await state().load()
      t.match(state(), {
        currentSession: { songName: 'Second' },
        history: [{ songName: 'First', pending: 'refused', refusal: { code: 'storage_unavailable' } }]
      })
      refuse = false
      await state().retrySave(state().history[0]?.id ?? '')
      t.match(state(), {
        currentSession: { songName: 'Second' },
        history: [{ songName: 'First', pending: undefined }]
      })
      t.match((await local.getSessions()).length, 1)
    }
  )

  await t.test('the store shows the upload progress', async (t) => {
    const seen: (number | null)[] = []
    const { state, store } = startStore({
      saveSession: async (_, options) => options?.onProgress?.({ loaded: 1, total: 2 })
    })
    store.subscribe(({ uploadProgress }) => seen.push(uploadProgress))
    state().startNewSession('', 'Ode to Joy', 'Piano')
    await state().saveSession()
    t.ok(seen.includes(0.5))
    t.equal(seen.at(-1), null)
  })
})

t.test('a save that an outbox keeps', async (t) => {
  /** An outbox whose delivery the test ends. */
  async function keeping() {
    const delivery = deferred()
    let refuse = (_: Error) => {}
    const refused = new Promise<void>((_resolve, reject) => {
      refuse = reject
    })
    let waiting: SessionData[] = []
    let report: (sending?: Sending) => void = () => {}
    const stopped: string[] = []
    const outbox = {
      saveSession: async (session: SessionData, { onKept }: SaveOptions = {}) => {
        waiting = [{ ...session, pending: 'waiting' }]
        onKept?.()
        await Promise.race([delivery.promise, refused])
      },
      getSessions: async () => waiting,
      onSending: (listener: (sending?: Sending) => void) => {
        report = listener
      },
      stop: async (id: string) => {
        stopped.push(id)
      }
    }
    const { state } = startStore(outbox)
    state().startNewSession('', 'Ode to Joy', 'Piano')
    const id = state().currentSession!.id
    await state().saveSession()
    const show = (pending?: SessionData['pending']) => {
      const [{ pending: _, ...session }] = waiting as [SessionData]
      waiting = [pending ? { ...session, pending } : session]
    }
    return { state, id, delivery, refuse, show, report: (sending?: Sending) => report(sending), stopped }
  }

  await t.test('resolves before it is delivered, and the next session can begin', async (t) => {
    const { state, id, delivery, show } = await keeping()
    t.equal(state().currentSession, null)
    t.match(state().history, [{ id, pending: 'waiting' }])
    state().startNewSession('', 'Next', 'Piano')
    show()
    delivery.release()
    await settle()
    t.match(state().history, [{ id, pending: undefined }])
    t.equal(state().currentSession?.songName, 'Next')
  })

  await t.test('shows as refused when the server refuses it later', async (t) => {
    const { state, id, refuse, show } = await keeping()
    show('refused')
    refuse(new StorageError(415, 'unsupported_recording', 'No'))
    await settle()
    t.match(state().history, [{ id, pending: 'refused' }])
    t.equal(state().error, null)
  })

  await t.test('shows its progress, and can be stopped', async (t) => {
    const { state, id, report, stopped, show } = await keeping()
    await settle()
    report({ id })
    t.match(state(), { sendingId: id, uploadProgress: null })
    report({ id, progress: { loaded: 1, total: 4 } })
    t.match(state(), { sendingId: id, uploadProgress: 0.25 })
    show('stopped')
    await state().stopSending(id)
    report()
    t.strictSame(stopped, [id])
    t.match(state(), { sendingId: null, uploadProgress: null, history: [{ pending: 'stopped' }] })
  })
})
