import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { sleep } from '../../contract/retry.ts'
import type { Queries } from '../database/client.ts'
import { cleanUpRounds, trace } from '../diagnostics.ts'
import { cleanUp } from './clean-up.ts'

const MINUTE = 60_000
/** Average pause between two rounds; the real one is up to a third longer or shorter. */
const PAUSE_MS = 5 * MINUTE
/** No instance begins a round sooner after another one. */
const MIN_PAUSE_MS = 3 * MINUTE
const MAX_ROUND_MS = 2 * MINUTE

/**
 * Every few minutes, removes what interrupted requests and abandoned uploads have left. One instance does it at a
 * time: each round is claimed in the table `maintenance_tasks`. A failed round is logged, and the next one
 * repeats its work.
 */
async function cleanUpRegularly(app: FastifyInstance) {
  const { database, storage, log } = app
  const closing = new AbortController()
  let from: string | undefined

  async function runRound() {
    if (!(await claimRound(database.queries, MIN_PAUSE_MS))) return
    const end = Date.now() + MAX_ROUND_MS
    const isOver = () => closing.signal.aborted || Date.now() > end
    const begin = () => cleanUp({ database, storage, log, isOver, from })
    const { next, ...removed } = await trace(cleanUpRounds, begin, {})
    from = next
    if (Object.values(removed).some((count) => count > 0)) log.info(removed, 'leftovers removed')
  }

  async function repeat() {
    while (!closing.signal.aborted) {
      await sleep(PAUSE_MS * (2 / 3 + (Math.random() * 2) / 3), closing.signal).catch(() => {})
      if (closing.signal.aborted) return
      await runRound().catch((error) => {
        log.warn({ err: error }, 'Leftovers could not be removed; the next round tries again')
      })
    }
  }

  app.addHook('onReady', async () => {
    repeat()
  })
  app.addHook('preClose', async () => closing.abort())
}

/** @returns false when a round began less than `minPauseMs` ago, here or in another instance */
export async function claimRound(queries: Queries, minPauseMs: number): Promise<boolean> {
  const count = await queries.$executeRaw`
    INSERT INTO maintenance_tasks AS task (name, begun_at) VALUES ('clean-up', now())
    ON CONFLICT (name) DO UPDATE SET begun_at = now()
      WHERE task.begun_at <= now() - ${minPauseMs}::float8 * interval '1 millisecond'`
  return count === 1
}

export default fp(cleanUpRegularly, { name: 'clean-up', dependencies: ['database', 'storage'] })
