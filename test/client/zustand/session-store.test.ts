import t from 'tap'
import { newSession, recording } from '../helpers/sessions.ts'
import { deferred, startStore, unavailable } from '../helpers/store.ts'

t.test('a session from its start until it is in the history', async (t) => {
  const { state, local } = startStore()
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
  const { state } = startStore({ saveSession: unavailable })
  state().setInstrument('Violin')
  await state().saveSession()
  state().startNewSession('', 'A', 'B')
  state().clearSession()
  t.match(state(), { currentSession: null, history: [] })
})

t.test('load', async (t) => {
  await t.test('loads history, stats and streak', async (t) => {
    const { local, state } = startStore()
    await local.saveSession(newSession())
    const loading = state().load()
    t.equal(state().isLoading, true)
    await loading
    t.match(state(), { isLoading: false, streak: 1, history: [{ songName: 'Ode to Joy' }] })
  })

  await t.test('shows the history when the stats fail', async (t) => {
    const { local, state } = startStore({ getUserStats: unavailable })
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
    const { state } = startStore({
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

t.test('optimistic change', async (t) => {
  const changes = { songName: 'Für Elise', date: '2020-01-01T00:00:00.000Z', analysis: { scoreAccuracy: 99 } }

  await t.test('shows immediately, in its place, and stays', async (t) => {
    const gate = deferred()
    const { local, state, service } = startStore()
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
    const { local, state } = startStore({ updateSession: unavailable })
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    await t.rejects(state().updateSession(session.id, changes), { code: 'network_error' })
    t.match(state(), { history: [{ songName: 'Ode to Joy' }], error: { code: 'network_error' } })
  })

  await t.test('stays when the following load fails', async (t) => {
    const { local, state, service } = startStore()
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
    const { local, state } = startStore()
    const session = newSession()
    await local.saveSession(session)
    await state().load()
    const deleting = state().deleteSession(session.id)
    t.strictSame(state().history, [])
    await deleting
    t.match(state(), { history: [], streak: 0 })
  })

  await t.test('the session reappears in its place when the deletion fails', async (t) => {
    const { local, state } = startStore({ deleteSession: unavailable })
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
    const { state, local } = startStore()
    state().startNewSession('', 'Ode to Joy', 'Piano')
    const saving = state().saveSession()
    await state().deleteSession(state().currentSession?.id ?? '')
    await saving
    t.strictSame([await local.getSessions(), state().history], [[], []])
  })
})
