import type { PracticeStorage, SessionData } from '../../src/client/index.ts'
import { equal, rejects } from './helpers/assert.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'

/**
 * The behaviour of every PracticeStorage, in Node and in a page. Each function gets the service of a new user
 * and throws on failure. It runs in browsers, so it uses neither tap nor Node.
 */
export const behaviours: Record<string, (service: PracticeStorage) => Promise<void>> = {
  'a new user has no history and stats of zero': async (service) => {
    equal(await service.getSessions(), [])
    const { weekly_progress: week, streak, total_minutes: total } = await service.getUserStats()
    equal(
      [week.map(({ day }) => day).join(), week.every(({ minutes }) => minutes === 0), streak, total],
      ['Mon,Tue,Wed,Thu,Fri,Sat,Sun', true, 0, 0]
    )
  },

  'a saved session is read back complete': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    equal(without(await service.getSessionById(session.id), 'audioUrl', 'audio'), session)
  },

  'missing members of a session are null': async (service) => {
    const session = newSession({ xmlContent: null, analysis: null, notes: null })
    await service.saveSession(session)
    equal(await service.getSessionById(session.id), { ...session, audioUrl: null })
  },

  'a list carries the accuracy, and no score, no analysis and no notes': async (service) => {
    const session = newSession()
    const { xmlContent, analysis, notes, ...listed } = session
    await service.saveSession(session)
    equal(await service.getSessions(), [{ ...listed, audioUrl: null, scoreAccuracy: 87 }])
  },

  'changes replace members, null clears, and other members and the recording stay': async (service) => {
    const session = newSession({ audio: recording(3) })
    await service.saveSession(session)
    await service.updateSession(session.id, {
      songName: 'Für Elise',
      instrument: 'Violin',
      durationSeconds: 59.6,
      date: '2026-03-01T10:30:00+02:00',
      notes: null,
      analysis: { feedback: 'Slower', scoreAccuracy: 88 }
    })
    const changed = await service.getSessionById(session.id)
    equal(without(changed, 'audioUrl', 'audio', 'importKey'), {
      ...without(session, 'audio'),
      songName: 'Für Elise',
      instrument: 'Violin',
      durationSeconds: 60,
      date: '2026-03-01T08:30:00.000Z',
      notes: null,
      analysis: { summary: 'Steady tempo', feedback: 'Slower', scoreAccuracy: 88, markedXml: '<marked/>' }
    })
    equal(changed && (await recordingOf(changed)), await hex(recording(3)))
    const [listed] = await service.getSessions()
    equal([listed?.songName, listed?.scoreAccuracy], ['Für Elise', 88])
    await service.updateSession(session.id, { analysis: null, xmlContent: null, notes: 'new' })
    const cleared = await service.getSessionById(session.id)
    equal([cleared?.analysis, cleared?.xmlContent, cleared?.notes], [null, null, 'new'])
  },

  'empty changes and undefined members change nothing': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    await service.updateSession(session.id, {})
    await service.updateSession(session.id, { songName: undefined, analysis: {} } as object)
    equal(without(await service.getSessionById(session.id), 'audioUrl', 'importKey'), session)
  },

  'invalid changes are rejected and change nothing': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    for (const wrong of [
      { songName: ' ' },
      { instrument: null },
      { durationSeconds: null },
      { durationSeconds: 86_401 },
      { date: 'yesterday' },
      { notes: 'x'.repeat(10_001) },
      ...beyondLimits
    ]) {
      await rejects(service.updateSession(session.id, wrong as object), {
        name: 'StorageError',
        status: 400,
        code: 'invalid_input'
      })
    }
    equal(without(await service.getSessionById(session.id), 'audioUrl'), session)
  },

  'changing an unknown session is rejected': async (service) => {
    await rejects(service.updateSession(crypto.randomUUID(), { notes: 'x' }), {
      name: 'StorageError',
      status: 404,
      code: 'session_not_found'
    })
  },

  'a late repeat of a save is recognised after a change': async (service) => {
    const session = newSession({ audio: recording() })
    await service.saveSession(session)
    await service.updateSession(session.id, { songName: 'Für Elise' })
    await service.saveSession(session)
    equal((await service.getSessionById(session.id))?.songName, 'Für Elise')
    await rejects(service.saveSession({ ...session, songName: 'Other' }), { code: 'id_reused' })
  },

  'practice days count minutes and sessions in order': async (service) => {
    const noon = (day: string) => new Date(`${day}T12:00:00`).toISOString()
    for (const [day, durationSeconds] of [
      ['2026-03-03', 60],
      ['2026-03-01', 89],
      ['2026-03-03', 30],
      ['2026-03-05', 600]
    ] as const) {
      await service.saveSession(newSession({ date: noon(day), durationSeconds }))
    }
    equal(await service.getPracticeDays({ from: '2026-03-01', to: '2026-03-04' }), [
      { date: '2026-03-01', minutes: 1, sessions: 1 },
      { date: '2026-03-03', minutes: 2, sessions: 2 }
    ])
    equal(await service.getPracticeDays({ from: '2025-01-01', to: '2025-12-31' }), [])
  },

  'a wrong range of practice days is rejected': async (service) => {
    for (const [from, to] of [
      ['2026-02-30', '2026-03-01'],
      ['2026-03-02', '2026-03-01'],
      ['2020-01-01', '2026-01-01'],
      ['today', '2026-01-01']
    ] as const) {
      await rejects(service.getPracticeDays({ from, to }), { name: 'StorageError', code: 'invalid_input' })
    }
  },

  'a recording is read back byte for byte, also from the list': async (service) => {
    const session = newSession({ audio: recording(7) })
    await service.saveSession(session)
    const [listed] = await service.getSessions()
    const whole = await service.getSessionById(session.id)
    const expected = await hex(recording(7))
    equal([listed && (await recordingOf(listed)), whole && (await recordingOf(whole))], [expected, expected])
  },

  'an empty recording counts as none': async (service) => {
    const session = newSession({ audio: new Blob([], { type: 'audio/webm' }) })
    await service.saveSession(session)
    equal(
      (await service.getSessions()).map(({ audioUrl }) => audioUrl),
      [null]
    )
  },

  'the history is newest first, equal dates by id': async (service) => {
    const at = (hour: number, id: string) =>
      newSession({
        id: `${id.repeat(8)}${crypto.randomUUID().slice(8)}`,
        date: `2026-03-01T0${hour}:00:00.000Z`
      })
    const [first, third, second] = [at(3, '9'), at(2, 'b'), at(2, 'a')]
    for (const session of [second, first, third]) await service.saveSession(session)
    equal(
      (await service.getSessions()).map(({ id }) => id),
      [first.id, second.id, third.id]
    )
  },

  'a date with an offset is converted to UTC': async (service) => {
    const session = newSession({ date: '2026-03-01T10:30:00+02:00' })
    await service.saveSession(session)
    equal((await service.getSessionById(session.id))?.date, '2026-03-01T08:30:00.000Z')
  },

  'seconds are rounded': async (service) => {
    const session = newSession({ durationSeconds: 59.6 })
    await service.saveSession(session)
    equal((await service.getSessions())[0]?.durationSeconds, 60)
  },

  'an unknown id reads as null': async (service) => {
    equal(await service.getSessionById(crypto.randomUUID()), null)
  },

  'saving the same session again succeeds and changes nothing': async (service) => {
    const session = newSession({ audio: recording() })
    await service.saveSession(session)
    await service.saveSession({ ...session, audio: recording() })
    equal((await service.getSessions()).length, 1)
  },

  'a session that was read can be saved again': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    const read = await service.getSessionById(session.id)
    await service.saveSession(read ?? session)
    equal((await service.getSessions()).length, 1)
  },

  'concurrent equal saves store one session': async (service) => {
    const session = newSession({ audio: recording() })
    await Promise.all([session, session, session].map((same) => service.saveSession(same)))
    equal((await service.getSessions()).length, 1)
  },

  'other content under a used id is rejected, and the first session stays': async (service) => {
    const session = newSession({ audio: recording(1) })
    await service.saveSession(session)
    await rejects(service.saveSession({ ...session, songName: 'Für Elise' }), {
      name: 'StorageError',
      status: 409,
      code: 'id_reused'
    })
    await rejects(service.saveSession({ ...session, audio: recording(2) }), {
      name: 'StorageError',
      status: 409,
      code: 'id_reused'
    })
    const [kept] = await service.getSessions()
    equal([kept?.songName, kept && (await recordingOf(kept))], ['Ode to Joy', await hex(recording(1))])
  },

  'invalid sessions are rejected': async (service) => {
    for (const wrong of [
      { songName: ' ' },
      { instrument: '' },
      { songName: 'x'.repeat(301) },
      { durationSeconds: -1 },
      { durationSeconds: 86_401 },
      { date: 'yesterday' },
      ...beyondLimits
    ]) {
      await rejects(service.saveSession(newSession(wrong)), {
        name: 'StorageError',
        status: 400,
        code: 'invalid_input'
      })
    }
    equal(await service.getSessions(), [])
  },

  'limits count characters, and not their parts': async (service) => {
    const session = newSession({ songName: '😀'.repeat(300), notes: '😀'.repeat(6_000) })
    await service.saveSession(session)
    equal(without(await service.getSessionById(session.id), 'audioUrl', 'audio'), session)
  },

  'deleting removes a session, can be repeated, and frees the id': async (service) => {
    const session = newSession({ audio: recording() })
    await service.saveSession(session)
    await service.deleteSession(session.id)
    await service.deleteSession(session.id)
    equal([await service.getSessions(), await service.getSessionById(session.id)], [[], null])
    await service.saveSession({ ...session, songName: 'Für Elise' })
    equal(
      (await service.getSessions()).map(({ songName }) => songName),
      ['Für Elise']
    )
  },

  'deleting an unknown session succeeds': (service) => service.deleteSession(crypto.randomUUID()),

  'stats count the streak and the minutes': async (service) => {
    for (const daysAgo of [0, 1, 2, 4]) {
      await service.saveSession(newSession({ date: ago(daysAgo), durationSeconds: 90 }))
    }
    const before = await service.getUserStats()
    equal([before.streak, before.total_minutes], [3, 6])
    const { id } = (await service.getSessions())[1] ?? { id: '' }
    await service.deleteSession(id)
    const after = await service.getUserStats()
    equal([after.streak, after.total_minutes], [1, 5])
  }
}

const analysis = { summary: null, feedback: null, scoreAccuracy: null, markedXml: null }

/** Values that no service takes. */
const beyondLimits: Partial<SessionData>[] = [
  { songName: '😀'.repeat(301) },
  { songName: 'NUL \0' },
  { date: '1899-12-31T12:00:00.000Z' },
  { date: '2099-01-01T00:00:00.000Z' },
  { analysis: { ...analysis, scoreAccuracy: 87.5 } },
  { analysis: { ...analysis, scoreAccuracy: 101 } },
  { analysis: { ...analysis, scoreAccuracy: -1 } },
  { analysis: { ...analysis, feedback: 'cut in an emoji \ud83d' } }
]

// In local time, as the services count days. At noon for earlier days, now for today.
function ago(days: number): string {
  const date = new Date()
  date.setDate(date.getDate() - days)
  if (days > 0) date.setHours(12)
  return date.toISOString()
}

function without(session: SessionData | null, ...members: (keyof SessionData)[]): Partial<SessionData> {
  return Object.fromEntries(
    Object.entries(session ?? {}).filter(([key]) => !members.includes(key as keyof SessionData))
  )
}
