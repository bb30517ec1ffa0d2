import type { SessionListItem } from '../../../src/contract/session-list.ts'
import type { SessionData } from '../../../src/contract/sessions.ts'

type Answer = { statusCode: number; body: string }

/** What the server has acknowledged to one user. */
export type Model = ReturnType<typeof createModel>

/** @throws {Error} where an answer contradicts what was acknowledged before */
export function createModel(sub: string) {
  const sessions = new Map<string, SessionData>()
  const deleted: string[] = []

  function agree(what: string, isTrue: boolean) {
    if (!isTrue) throw new Error(`The model of ${sub} disagrees: ${what}`)
  }

  function saved(answer: Answer) {
    const session = parse<SessionData>(answer)
    if (answer.statusCode === 200) {
      agree(`a repeat of ${session.id}, which is unknown`, sessions.has(session.id))
    }
    if (answer.statusCode === 201) agree(`${session.id} is created twice`, !sessions.has(session.id))
    sessions.set(session.id, session)
  }

  function found(id: string, answer: Answer) {
    const known = sessions.get(id)
    agree(`${id} is ${answer.statusCode}`, (answer.statusCode === 404) === (known === undefined))
    if (answer.statusCode !== 200 || !known) return
    agree(
      `${id} is ${answer.body}, not ${JSON.stringify(known)}`,
      JSON.stringify(parse(answer)) === JSON.stringify(known)
    )
  }

  function removed(id: string, answer: Answer) {
    agree(`the deletion of ${id} is ${answer.statusCode}`, (answer.statusCode === 204) === sessions.has(id))
    if (sessions.delete(id)) deleted.push(id)
  }

  function listed(answer: Answer) {
    const rows = parse<SessionListItem[]>(answer)
    agree(`${rows.length} rows instead of ${sessions.size}`, rows.length === sessions.size)
    for (const row of rows) {
      const known = sessions.get(row.id)
      agree(`${row.id} is listed`, known !== undefined)
      agree(
        `${row.id} is listed as ${JSON.stringify(row)}`,
        known?.songName === row.song_name &&
          known.durationSeconds === row.duration_seconds &&
          known.date === row.date &&
          known.audioUrl === row.audio_url
      )
    }
    const dates = rows.map(({ date }) => date)
    agree('the list is not sorted', String(dates) === String([...dates].sort().reverse()))
  }

  function counted(answer: Answer) {
    const seconds = [...sessions.values()].reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
    const { total_minutes: minutes } = parse<{ total_minutes: number }>(answer)
    agree(`${minutes} minutes for ${seconds} seconds`, minutes === Math.round(seconds / 60))
  }

  return {
    sub,
    uploads: [] as Array<{ id: string; uploadId: string }>,
    tags: new Map<string, string>(),
    cursors: [] as string[],
    ids: () => [...sessions.keys(), ...deleted.slice(-2)],
    has: (id: string) => sessions.has(id),
    saved,
    found,
    removed,
    listed,
    counted,
    /** Takes an acknowledged state of a session that must exist. */
    changed(id: string, answer: Answer) {
      agree(`${id} is changed and unknown`, sessions.has(id))
      sessions.set(id, parse<SessionData>(answer))
    },
    lostRecording(id: string) {
      const known = sessions.get(id)
      agree(`the recording of ${id}, which is unknown, is deleted`, known !== undefined)
      if (known) sessions.set(id, { ...known, audioUrl: null })
    },
    cleared() {
      deleted.push(...sessions.keys())
      sessions.clear()
    }
  }
}

const parse = <T>({ body }: Answer) => JSON.parse(body) as T
