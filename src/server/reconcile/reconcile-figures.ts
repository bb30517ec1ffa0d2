import type { Database, Queries } from '../database/client.ts'
import { recountFigures } from '../users/figures.ts'
import { findWrongFigures, type WrongFigures } from '../users/figures-check.ts'

/** A user whose running figures differ from their sessions. */
export type WrongUser = WrongFigures & { userId: string; isMended: boolean }

type Options = {
  database: Database
  defaultTimeZone: string
  /** Count the wrong figures again; otherwise they are only reported. */
  mend: boolean
  /** Users with a smaller id are skipped. */
  from?: string | undefined
  now?: () => Date
  /** Stops the run between two users; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  report: (user: WrongUser) => void
  /** Called with each user who is checked next; users with smaller ids are done. */
  onUser?: (userId: string) => void
}

/**
 * Compares the running figures of every user with the sessions, one user after the other, and counts wrong
 * ones again. Safe beside a running server: the check locks nothing, and the count runs under the user's
 * lock. It keeps one page of user ids in memory, and each statement reads the history of one user.
 * @returns the number of users that were checked
 */
export async function reconcileFigures(options: Options): Promise<number> {
  const { database, from, now = () => new Date(), signal, onUser } = options
  let checked = 0
  for await (const userId of userIds(database.queries, from)) {
    signal?.throwIfAborted()
    onUser?.(userId)
    const wrong = await findWrongFigures(database.queries, { userId, now: now() })
    if (wrong?.totals || wrong?.streak) await reportWrong(options, { ...wrong, userId })
    checked++
  }
  return checked
}

async function reportWrong(
  { database, defaultTimeZone, mend, now = () => new Date(), report }: Options,
  wrong: WrongFigures & { userId: string }
): Promise<void> {
  const recount = (queries: Queries) =>
    recountFigures(queries, wrong.userId, {
      zones: database.zones,
      defaultTimeZone,
      now: now()
    })
  if (!mend) report({ ...wrong, isMended: false })
  else if (await database.transaction(recount)) report({ ...wrong, isMended: true })
}

const PAGE_SIZE = 1000
const NIL = '00000000-0000-0000-0000-000000000000'

/** Yields the ids of all users in order, from `from` on. */
async function* userIds(queries: Queries, from = NIL): AsyncGenerator<string> {
  let page = await queries.$queryRaw<Array<{ id: string }>>`
    SELECT id FROM users WHERE id >= ${from}::uuid ORDER BY id LIMIT ${PAGE_SIZE}::int`
  while (page.length > 0) {
    for (const { id } of page) yield id
    page = await queries.$queryRaw<Array<{ id: string }>>`
      SELECT id FROM users WHERE id > ${page.at(-1)?.id}::uuid ORDER BY id LIMIT ${PAGE_SIZE}::int`
  }
}
