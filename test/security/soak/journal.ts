import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'

/** What a client tries with a session. The members are those that the session has afterwards. */
export type Deed = {
  act: 'save' | 'edit' | 'attach' | 'detach' | 'delete'
  sub: string
  id: string
  notes?: string
  /** SHA-256 of the recording. */
  recording?: string
  seconds?: number
}

type Line = Deed & {
  number: number
  outcome: 'begun' | 'acknowledged' | 'refused' | 'unknown'
  status?: number
}

/** What a session may be, as far as the clients know. Several values: an action has an unknown outcome. */
export type Expected = {
  sub: string
  exists: Set<boolean>
  notes: Set<string | undefined>
  recording: Set<string | undefined>
  seconds: number
}

/** A log in JSON lines of what clients have begun, and of what the server has acknowledged. */
export function openJournal(file: string) {
  let last = 0
  const write = (line: Line) => appendFileSync(file, `${JSON.stringify(line)}\n`)

  return {
    file,
    /**
     * Writes that the action begins, does it, and writes its outcome.
     * @returns whether it was acknowledged
     */
    async attempt(deed: Deed, work: () => Promise<Response>): Promise<boolean> {
      const number = ++last
      write({ ...deed, number, outcome: 'begun' })
      try {
        const { status } = await work()
        const outcome = status < 300 ? 'acknowledged' : status < 500 ? 'refused' : 'unknown'
        write({ ...deed, number, outcome, status })
        return outcome === 'acknowledged'
      } catch {
        write({ ...deed, number, outcome: 'unknown' })
        return false
      }
    }
  }
}

/** Reads the log, and folds it to what each session may be. */
export function readJournal(file: string): {
  sessions: Map<string, Expected>
  counts: Record<string, number>
} {
  const sessions = new Map<string, Expected>()
  const counts: Record<string, number> = {}
  for (const text of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const line = JSON.parse(text) as Line
    if (line.outcome === 'begun') continue
    counts[`${line.act} ${line.outcome}`] = (counts[`${line.act} ${line.outcome}`] ?? 0) + 1
    if (line.outcome !== 'refused') apply(sessions, line)
  }
  return { sessions, counts }
}

function apply(sessions: Map<string, Expected>, line: Line) {
  const { act, id, sub, notes, recording, seconds = 0, outcome } = line
  const known = sessions.get(id) ?? {
    sub,
    exists: new Set([false]),
    notes: new Set<string | undefined>(),
    recording: new Set<string | undefined>(),
    seconds
  }
  sessions.set(id, known)
  const add = <T>(values: Set<T>, value: T) => {
    if (outcome === 'acknowledged') values.clear()
    values.add(value)
  }
  if (act === 'save' || act === 'delete') add(known.exists, act === 'save')
  if (act === 'save' || act === 'edit') add(known.notes, notes)
  if (act !== 'edit' && act !== 'delete') add(known.recording, recording)
  // A deletion that failed may have removed the recording: repeating it finishes the work.
  if (act === 'delete') known.recording.add(undefined)
}

export const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
