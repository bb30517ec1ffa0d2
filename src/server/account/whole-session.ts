import { StringDecoder } from 'node:string_decoder'
import { createSpool } from '../http/bodies/spool.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { createSessionRepository, type StoredSession } from '../sessions/repository.ts'
import { scoresOf, type Score, type Scores } from '../sessions/score-repository.ts'

/** Bytes of a large score that are kept in memory; a larger one goes to a temporary file. */
const SCORE_MEMORY_BYTES = 128 * 1024
/** Bytes of a large score that are read at once. V8 collects larger strings in pauses. */
const PIECE_BYTES = 48 * 1024

type Spool = ReturnType<typeof createSpool>

/** A session and its scores, all of one revision. */
export type WholeSession = {
  session: StoredSession
  /** The pieces of a large score can be read several times. */
  scores: Scores<Score | null>
  /** Frees memory and files. */
  close: () => Promise<unknown>
}

/**
 * Reads a session with its scores. A session whose row has all that it consists of is returned as it is; another one is
 * read again, because `listed` may be minutes old. The caller must close it.
 * @returns null when it was deleted meanwhile
 * @throws {Error} when it was changed or deleted while its large scores were read; then call this again
 * @throws {ApiError} database_unavailable; server_busy if the disk is full
 */
export async function readWholeSession(
  { database }: Pick<SessionDependencies, 'database'>,
  sub: string,
  listed: StoredSession
): Promise<WholeSession | null> {
  const sessions = createSessionRepository(database.queries)
  const session = isWhole(listed) ? listed : await sessions.findOwned(listed.id, sub)
  if (!session) return null
  const spools: Spool[] = []
  const close = () => Promise.all(spools.map((spool) => spool.close()))

  async function keep(score: Score | null): Promise<Score | null> {
    if (score === null || typeof score === 'string') return score
    const spool = createSpool({ memoryBytes: SCORE_MEMORY_BYTES })
    spools.push(spool)
    for await (const piece of score) await spool.write(Buffer.from(piece))
    await spool.finish()
    return { [Symbol.asyncIterator]: () => textOf(spool) }
  }

  try {
    const { xmlContent, markedXml } = scoresOf(database.run, session)
    const scores = { xmlContent: await keep(xmlContent), markedXml: await keep(markedXml) }
    return { session, scores, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether there is neither a recording nor a large score. */
const isWhole = ({ audioUrl, xmlContent, xmlBytes, markedXml, markedBytes }: StoredSession) =>
  audioUrl === null &&
  (xmlBytes === null || xmlContent !== null) &&
  (markedBytes === null || markedXml !== null)

async function* textOf(spool: Spool): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  for (let start = 0; start < spool.size; start += PIECE_BYTES) {
    yield decoder.write(await spool.read(start, Math.min(start + PIECE_BYTES, spool.size)))
  }
}
