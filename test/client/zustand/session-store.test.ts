import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { LocalStorageService, StorageError, type IStorageService } from '../../../src/client/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { memoryStorage } from '../helpers/memory-storage.ts'
import { newSession, recording } from '../helpers/sessions.ts'

const away = () => Promise.reject(new StorageError(0, 'network_error', 'No network'))

/** A store on a local service, of which a test can replace single methods. */
function setUp(replaced: Partial<IStorageService> = {}) {
  const local = new LocalStorageService({ storage: memoryStorage(), indexedDB: new IDBFactory() })
  const service: IStorageService = {
    getSessions: () => local.getSessions(),
    getSessionById: (id) => local.getSessionById(id),
    saveSession: (session) => local.saveSession(session),
    deleteSession: (id) => local.deleteSession(id),
    getUserStats: () => local.getUserStats(),
    ...replaced
  }
  const store = createSessionStore(service)
  return { local, service, store, state: () => store.getState() }
}

/** A promise that the test settles. */
function held() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

t.test('a practice, from its start to the history', async (t) => {
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
  t.match(
    state().currentSession?.analysis,
    { summary: 'Good', feedback: 'Slower', 'marked-up-musicxml': '<m/>', performace_summary: 'Good' },
    'both names can be read'
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
  t.match(state().history, [{ id, instrument: 'Violin', durationSeconds: 120, pending: undefined }])
  t.match(await local.getSessionById(id), {
    analysis: { summary: 'Good', feedback: 'Slower', scoreAccuracy: null }
  })
})

t.test('without a session there is nothing to change or save', async (t) => {
  const { state } = setUp({ saveSession: away })
  state().setInstrument('Violin')
  await state().saveSession()
  state().startNewSession('', 'A', 'B')
  state().clearSession()
  t.match(state(), { currentSession: null, history: [] })
})

t.test('load', async (t) => {
  await t.test('brings history, stats and the real streak', async (t) => {
    const { local, state } = setUp()
    await local.saveSession(newSession())
    const loading = state().load()
    t.equal(state().isLoading, true)
    await loading
    t.match(state(), { isLoading: false, streak: 1, history: [{ songName: 'Ode to Joy' }] })
  })

  await t.test('shows what it can when the rest fails', async (t) => {
    const { local, state } = setUp({ getUserStats: away })
    await local.saveSession(newSession())
    await state().load()
    t.match(state(), {
      isLoading: false,
      history: [{ songName: 'Ode to Joy' }],
      error: { code: 'network_error' }
    })
  })

  await t.test('of two at once the later one counts', async (t) => {
    const gates = [held(), held()]
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

t.test('saving is optimistic', async (t) => {
  await t.test('the session shows at once, as not yet saved; two clicks save once', async (t) => {
    const gate = held()
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

  await t.test('when it fails, everything is as before', async (t) => {
    const { state } = setUp({ saveSession: away })
    state().startNewSession('', 'Ode to Joy', 'Piano')
    state().setRecordingBlob(recording())
    await t.rejects(state().saveSession(), { code: 'network_error' })
    t.match(state(), {
      currentSession: { songName: 'Ode to Joy', audio: Blob },
      history: [],
      error: { code: 'network_error' }
    })
  })

  await t.test('when another was started meanwhile, the failed one stays to be tried again', async (t) => {
    const gate = held()
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
  })

  await t.test('it tells how far the upload is', async (t) => {
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

t.test('deleting is optimistic', async (t) => {
  await t.test('the session is gone at once', async (t) => {
    const { local, state } = setUp()
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    const deleting = state().deleteSession(session.id)
    t.strictSame(state().history, [])
    await deleting
    t.match(state(), { history: [], streak: 0 })
  })

  await t.test('and back in its place when that fails', async (t) => {
    const { local, state } = setUp({ deleteSession: away })
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

  await t.test('while it is being saved: first the one, then the other', async (t) => {
    const { state, local } = setUp()
    state().startNewSession('', 'Ode to Joy', 'Piano')
    const saving = state().saveSession()
    await state().deleteSession(state().currentSession?.id ?? '')
    await saving
    t.strictSame([await local.getSessions(), state().history], [[], []])
  })
})
