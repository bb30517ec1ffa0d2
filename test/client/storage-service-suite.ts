import type { IStorageService, SessionData } from '../../src/client/index.ts'
import { equal, rejects } from './helpers/assert.ts'
import { hex, newSession, recording, recordingOf } from './helpers/sessions.ts'

/**
 * The behaviour of every IStorageService, in Node and in a page. Each function gets the service of a new user
 * and throws on failure. It runs in browsers, so it uses neither tap nor Node.
 */
export const behaviours: Record<string, (service: IStorageService) => Promise<void>> = {
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
    const session = newSession({ xmlContent: null, analysis: null })
    await service.saveSession(session)
    equal(await service.getSessionById(session.id), { ...session, audioUrl: null })
  },

  'a list carries no score and no analysis': async (service) => {
    const { xmlContent, analysis, ...listed } = newSession()
    await service.saveSession({ ...listed, xmlContent: xmlContent ?? null, analysis: analysis ?? null })
    equal(await service.getSessions(), [{ ...listed, audioUrl: null }])
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
