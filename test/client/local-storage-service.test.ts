import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { LocalStorageService } from '../../src/client/index.ts'
import { memoryStorage } from './helpers/memory-storage.ts'
import { hex, newSession, recording } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

const KEY = 'harmony-helper-storage'

function local(storage = memoryStorage(), indexedDB: IDBFactory = new IDBFactory()) {
  return new LocalStorageService({ storage, indexedDB })
}

t.test('passes the shared suite of storage services', async (t) => {
  for (const [behaviour, run] of Object.entries(behaviours)) await t.test(behaviour, () => run(local()))
})

t.test('passes the shared suite when localStorage is too small for any recording', async (t) => {
  for (const [behaviour, run] of Object.entries(behaviours)) {
    await t.test(behaviour, () => run(local(memoryStorage(20_000))))
  }
})

t.test('reads every format that the existing app has written', async (t) => {
  const storage = memoryStorage()
  const dataUrl = `data:audio/webm;codecs=opus;base64,${Buffer.from(await recording().arrayBuffer()).toString('base64')}`
  const analysis = {
    performace_summary: 'Good',
    'coach-feedback': 'Slower',
    'user-spectrogram': 'a',
    'target-spectrogram': 'b',
    'marked-up-musicxml': '<x/>'
  }
  const entry = (more: object) => ({
    date: '2026-01-02T03:04:05.000Z',
    songName: 'Song',
    instrument: 'Violin',
    durationSeconds: 0,
    xmlContent: '<xml/>',
    ...more
  })
  storage.setItem(
    KEY,
    JSON.stringify({
      state: {
        history: [
          entry({ id: 'with-recording', audioBase64: dataUrl, analysis, totalPracticeSeconds: 75.4 }),
          entry({ id: 'without', audioBase64: '', totalPracticeSeconds: 0, durationSeconds: 30 }),
          entry({ id: 'lost', audioBlob: {} }),
          entry({ id: 'elsewhere', audioUrl: 'https://example.com/a.webm' }),
          entry({ id: 'dead', audioUrl: 'blob:http://localhost:5173/1' }),
          entry({ id: 'double-click' }),
          entry({ id: 'double-click' })
        ],
        streak: 3
      },
      version: 0
    })
  )
  const service = local(storage)

  const sessions = new Map((await service.getSessions()).map((session) => [session.id, session]))
  t.strictSame(
    [...sessions.keys()],
    ['dead', 'double-click', 'elsewhere', 'lost', 'with-recording', 'without']
  )
  t.equal(sessions.get('with-recording')?.durationSeconds, 75, 'totalPracticeSeconds is the duration')
  t.equal(sessions.get('without')?.durationSeconds, 30)
  t.equal(sessions.get('elsewhere')?.audioUrl, 'https://example.com/a.webm')
  for (const id of ['without', 'lost', 'dead']) {
    t.equal(sessions.get(id)?.audioUrl, null, `${id}: no recording`)
  }

  const whole = await service.getSessionById('with-recording')
  t.strictSame(whole?.analysis, {
    summary: 'Good',
    feedback: 'Slower',
    scoreAccuracy: null,
    markedXml: '<x/>'
  })
  t.equal(whole?.xmlContent, '<xml/>')
  t.equal(whole?.audio && (await hex(whole.audio)), await hex(recording()))
  t.equal((await service.getUserStats()).total_minutes, 2, 'a double click counts once')
})

t.test('writes the format of the existing app and preserves unknown members', async (t) => {
  const storage = memoryStorage()
  storage.setItem(
    KEY,
    JSON.stringify({
      state: {
        history: [
          {
            id: 'old',
            date: '2026-01-01T00:00:00.000Z',
            songName: 'A',
            instrument: 'B',
            durationSeconds: 1,
            mood: 'happy'
          }
        ],
        streak: 3,
        theme: 'dark'
      },
      version: 0
    })
  )
  const session = newSession({ audio: recording() })
  await local(storage).saveSession(session)

  const { state, version } = JSON.parse(storage.getItem(KEY) ?? '')
  t.equal(version, 0)
  t.equal(state.streak, 1, 'the computed streak')
  t.equal(state.theme, 'dark')
  t.equal(state.history[1].mood, 'happy')
  const [written] = state.history
  t.match(written, {
    id: session.id,
    date: session.date,
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 600,
    xmlContent: session.xmlContent
  })
  t.match(written.analysis, {
    performace_summary: 'Steady tempo',
    'coach-feedback': session.analysis?.feedback,
    'marked-up-musicxml': session.analysis?.markedXml
  })
  t.match(written.audioBase64, /^data:audio\/webm;codecs=opus;base64,GkXf/)
})

t.test('an unreadable history rejects with storage_unreadable and stays unchanged', async (t) => {
  const storage = memoryStorage()
  storage.setItem(KEY, '{"state":')
  const service = local(storage)
  await t.rejects(service.getSessions(), { code: 'storage_unreadable' })
  await t.rejects(service.saveSession(newSession()), { code: 'storage_unreadable' })
  t.equal(storage.getItem(KEY), '{"state":')
})

t.test('a change keeps the format of the existing app, its unknown members and the recording', async (t) => {
  const storage = memoryStorage()
  const entry = {
    id: '1700000000000',
    date: '2026-01-01T00:00:00.000Z',
    songName: '',
    instrument: 'Violin',
    durationSeconds: 0,
    totalPracticeSeconds: 75.4,
    xmlContent: '<xml/>',
    audioBase64: 'data:audio/webm;base64,AAAA',
    mood: 'happy'
  }
  storage.setItem(KEY, JSON.stringify({ state: { history: [entry], streak: 3 }, version: 0 }))
  const service = local(storage)
  await service.updateSession(entry.id, { notes: 'a change of an entry whose name is missing' })
  await t.rejects(service.updateSession(entry.id, { songName: '' }), { code: 'invalid_input' })
  await service.updateSession(entry.id, { songName: 'Named', durationSeconds: 120, notes: 'mine' })
  const [written] = JSON.parse(storage.getItem(KEY) ?? '').state.history
  t.match(written, {
    ...entry,
    songName: 'Named',
    durationSeconds: 120,
    totalPracticeSeconds: 120,
    notes: 'mine'
  })
  t.match(await service.getSessions(), [{ songName: 'Named', durationSeconds: 120 }])
})
