import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import {
  LocalStorageService,
  StorageError,
  type SaveOptions,
  type SessionData
} from '../../../src/client/index.ts'
import type { Sending } from '../../../src/client/offline/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { memoryStorage } from '../helpers/memory-storage.ts'
import { newSession, recording } from '../helpers/sessions.ts'

const unavailable = () => Promise.reject(new StorageError(0, 'network_error', 'No network'))

/** A store on a local service; a test may replace single methods of the service. */
function setUp(replaced: Partial<Parameters<typeof createSessionStore>[0]> = {}) {
  const local = new LocalStorageService({ storage: memoryStorage(), indexedDB: new IDBFactory() })
  const service: Parameters<typeof createSessionStore>[0] = {
    getSessions: () => local.getSessions(),
    getSessionById: (id) => local.getSessionById(id),
    saveSession: (session) => local.saveSession(session),
    updateSession: (id, changes) => local.updateSession(id, changes),
    deleteSession: (id) => local.deleteSession(id),
    getUserStats: () => local.getUserStats(),
    getPracticeDays: (range) => local.getPracticeDays(range),
    ...replaced
  }
  const store = createSessionStore(service)
  return { local, service, store, state: () => store.getState() }
}

const settle = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 20)
  })

/** A promise that the test resolves with `release`. */
function deferred() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

t.test('a session from its start until it is in the history', async (t) => {
  const { state, local } = setUp()
  state().startNewSession('<xml/>', 'Ode to Joy', 'Piano')
  t.match(state().currentSession, {
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 0,
    xmlContent: '<xml/>',
    id: /^[0-9a-f-]{36}$/
  })
  state().setRecordingStatus(true)
  state().setInstrument('Violin')
  state().setRecordingBlob(recording())
  state().setRecordingStatus(false)
  state().setAnalyzingStatus(true)
  state().setAnalysisResults({
    performace_summary: 'Good',
    'coach-feedback': 'Slower',
    'marked-up-musicxml': '<m/>'
  })
  state().setAnalyzingStatus(false)
  state().setDurationSeconds(120)
  state().changeSession({ songName: 'Für Elise', notes: 'mine' })
  t.match(
    state().currentSession?.analysis,
    { summary: 'Good', feedback: 'Slower', markedXml: '<m/>', performace_summary: 'Good' },
    'both sets of names can be read'
  )

  const id = state().currentSession?.id ?? ''
  await state().saveSession()
  t.match(state(), {
    currentSession: null,
    isRecording: false,
    isAnalyzing: false,
    streak: 1,
    error: null,
    stats: { total_minutes: 2 }
  })
  t.match(state().history, [
    { id, songName: 'Für Elise', instrument: 'Violin', durationSeconds: 120, pending: undefined }
  ])
  t.match(await local.getSessionById(id), {
    analysis: { summary: 'Good', feedback: 'Slower', scoreAccuracy: null, markedXml: '<m/>' },
    notes: 'mine'
  })
})

t.test('without a current session, actions do nothing', async (t) => {
  const { state } = setUp({ saveSession: unavailable })
  state().setInstrument('Violin')
  await state().saveSession()
  state().startNewSession('', 'A', 'B')
  state().clearSession()
  t.match(state(), { currentSession: null, history: [] })
})

t.test('load', async (t) => {
  await t.test('loads history, stats and streak', async (t) => {
    const { local, state } = setUp()
    await local.saveSession(newSession())
    const loading = state().load()
    t.equal(state().isLoading, true)
    await loading
    t.match(state(), { isLoading: false, streak: 1, history: [{ songName: 'Ode to Joy' }] })
  })

  await t.test('shows the history when the stats fail', async (t) => {
    const { local, state } = setUp({ getUserStats: unavailable })
    await local.saveSession(newSession())
    await state().load()
    t.match(state(), {
      isLoading: false,
      history: [{ songName: 'Ode to Joy' }],
      error: { code: 'network_error' }
    })
  })

  await t.test('ignores the result of an earlier load that ends later', async (t) => {
    const gates = [deferred(), deferred()]
    const answers = [[newSession({ songName: 'old' })], [newSession({ songName: 'new' })]]
    let call = 0
    const { state } = setUp({
      getSessions: async () => {
        const mine = call++
        await gates[mine]?.promise
        return answers[mine] ?? []
      }
    })
    const both = [state().load(), state().load()]
    gates[1]?.release()
    await both[1]
    gates[0]?.release()
    await both[0]
    t.match(state().history, [{ songName: 'new' }])
  })
})

t.test('optimistic save', async (t) => {
  await t.test('the session shows immediately as waiting, and two clicks save once', async (t) => {
    const gate = deferred()
    let saves = 0
    const { state, service } = setUp()
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
    const { state } = setUp({ saveSession: unavailable })
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
      const { state, service, local } = setUp()
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
    const { state, store } = setUp({
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
    const { state } = setUp(outbox)
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

t.test('optimistic change', async (t) => {
  const changes = { songName: 'Für Elise', date: '2020-01-01T00:00:00.000Z', analysis: { scoreAccuracy: 99 } }

  await t.test('shows immediately, in its place, and stays', async (t) => {
    const gate = deferred()
    const { local, state, service } = setUp()
    service.updateSession = async (id, changes) => {
      await gate.promise
      await local.updateSession(id, changes)
    }
    const [edited, other] = [newSession(), newSession({ date: '2025-01-01T00:00:00.000Z' })]
    for (const session of [edited, other]) await local.saveSession(session)
    await state().load()
    const updating = state().updateSession(edited.id, changes)
    const expected = [{ id: other.id }, { id: edited.id, songName: 'Für Elise', scoreAccuracy: 99 }]
    t.match(state().history, expected)
    gate.release()
    await updating
    t.match(state().history, expected)
    t.match(await local.getSessionById(edited.id), { songName: 'Für Elise' })
  })

  await t.test('is undone when it fails', async (t) => {
    const { local, state } = setUp({ updateSession: unavailable })
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    await t.rejects(state().updateSession(session.id, changes), { code: 'network_error' })
    t.match(state(), { history: [{ songName: 'Ode to Joy' }], error: { code: 'network_error' } })
  })

  await t.test('stays when the following load fails', async (t) => {
    const { local, state, service } = setUp()
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    service.getSessions = unavailable
    await state().updateSession(session.id, changes)
    t.match(state().history, [{ songName: 'Für Elise', scoreAccuracy: 99 }])
  })
})

t.test('optimistic deletion', async (t) => {
  await t.test('the session disappears immediately', async (t) => {
    const { local, state } = setUp()
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    const deleting = state().deleteSession(session.id)
    t.strictSame(state().history, [])
    await deleting
    t.match(state(), { history: [], streak: 0 })
  })

  await t.test('the session reappears in its place when the deletion fails', async (t) => {
    const { local, state } = setUp({ deleteSession: unavailable })
    const sessions = [3, 2, 1].map((day) => newSession({ date: `2026-01-0${day}T00:00:00.000Z` }))
    for (const session of sessions) await local.saveSession(session)
    await state().load()
    await t.rejects(state().deleteSession(sessions[1]?.id ?? ''), { code: 'network_error' })
    t.strictSame(
      state().history.map(({ id }) => id),
      sessions.map(({ id }) => id)
    )
    t.match(state().error, { code: 'network_error' })
  })

  await t.test('a deletion during a save runs after the save', async (t) => {
    const { state, local } = setUp()
    state().startNewSession('', 'Ode to Joy', 'Piano')
    const saving = state().saveSession()
    await state().deleteSession(state().currentSession?.id ?? '')
    await saving
    t.strictSame([await local.getSessions(), state().history], [[], []])
  })
})
