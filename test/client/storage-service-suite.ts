import type { IStorageService, SessionData } from '../../src/client/index.ts'
import { equal, rejects } from './helpers/assert.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'

/**
 * What every IStorageService does, in Node and in a page: each behaviour gets a service of somebody new.
 * No test runner, no Node.
 */
export const behaviours: Record<string, (service: IStorageService) => Promise<void>> = {
  'somebody new has no history and stats of zero': async (service) => {
    equal(await service.getSessions(), [])
    const { weekly_progress: week, streak, total_minutes: total } = await service.getUserStats()
    equal(
      [week.map(({ day }) => day).join(), week.every(({ minutes }) => minutes === 0), streak, total],
      ['Mon,Tue,Wed,Thu,Fri,Sat,Sun', true, 0, 0]
    )
  },

  'a saved session comes back whole': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    equal(without(await service.getSessionById(session.id), 'audioUrl', 'audio'), session)
  },

  'what a session does not have is null': async (service) => {
    const session = newSession({ xmlContent: null, analysis: null })
    await service.saveSession(session)
    equal(await service.getSessionById(session.id), { ...session, audioUrl: null })
  },

  'a list carries no score and no analysis': async (service) => {
    const { xmlContent, analysis, ...listed } = newSession()
    await service.saveSession({ ...listed, xmlContent: xmlContent ?? null, analysis: analysis ?? null })
    equal(await service.getSessions(), [{ ...listed, audioUrl: null }])
  },

  'a recording comes back byte for byte, from the list too': async (service) => {
    const session = newSession({ audio: recording(7) })
    await service.saveSession(session)
    const [listed] = await service.getSessions()
    const whole = await service.getSessionById(session.id)
    const expected = await hex(recording(7))
    equal([listed && (await recordingOf(listed)), whole && (await recordingOf(whole))], [expected, expected])
  },

  'an empty recording is none': async (service) => {
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

  'a date with an offset is the same moment in UTC': async (service) => {
    const session = newSession({ date: '2026-03-01T10:30:00+02:00' })
    await service.saveSession(session)
    equal((await service.getSessionById(session.id))?.date, '2026-03-01T08:30:00.000Z')
  },

  'seconds are rounded': async (service) => {
    const session = newSession({ durationSeconds: 59.6 })
    await service.saveSession(session)
    equal((await service.getSessions())[0]?.durationSeconds, 60)
  },

  'there is no session under an id that was never saved': async (service) => {
    equal(await service.getSessionById(crypto.randomUUID()), null)
  },

  'saving the same session again changes nothing and succeeds': async (service) => {
    const session = newSession({ audio: recording() })
    await service.saveSession(session)
    await service.saveSession({ ...session, audio: recording() })
    equal((await service.getSessions()).length, 1)
  },

  'what was read can be saved again': async (service) => {
    const session = newSession()
    await service.saveSession(session)
    const read = await service.getSessionById(session.id)
    await service.saveSession(read ?? session)
    equal((await service.getSessions()).length, 1)
  },

  'many equal saves at once keep one session': async (service) => {
    const session = newSession({ audio: recording() })
    await Promise.all([session, session, session].map((same) => service.saveSession(same)))
    equal((await service.getSessions()).length, 1)
  },

  'something else under a used id is refused, and the first stays': async (service) => {
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

  'what makes no sense is refused': async (service) => {
    for (const wrong of [
      { songName: ' ' },
      { instrument: '' },
      { songName: 'x'.repeat(301) },
      { durationSeconds: -1 },
      { durationSeconds: 86_401 },
      { date: 'yesterday' }
    ]) {
      await rejects(service.saveSession(newSession(wrong)), {
        name: 'StorageError',
        status: 400,
        code: 'invalid_input'
      })
    }
    equal(await service.getSessions(), [])
  },

  'a deleted session is gone, deleting again succeeds, and its id is free': async (service) => {
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

  'deleting what never was succeeds': (service) => service.deleteSession(crypto.randomUUID()),

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

// By the wall clock, as the services count days; at noon, or now where that is earlier.
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
