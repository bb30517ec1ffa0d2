import { setTimeout as sleep } from 'node:timers/promises'
import type { AttackQuestion } from '../load/attacker.ts'
import type { SavesResult } from '../load/saves.ts'
import { query } from '../services/database.ts'
import { format, judge } from '../report.ts'
import { flood } from './attack-flood.ts'
import {
  atMost,
  countEach,
  describeConnections,
  MS,
  type Attack,
  type AttackContext
} from './attack-context.ts'
import { head, list, post, unfinished, wholeSave } from './attack-requests.ts'

/** Longer than a body that stops may hold its place: UPLOAD_TIMEOUT_MS. */
export const TRICKLE_MS = 45_000
const PIPELINED = 1700
const MAX_OPEN_UPLOADS = 10
const RATE_LIMIT = 300
const RATE_WINDOW_MS = 10_000
/** Rounds of checks that requests may cause: ten at once, then one every two seconds. */
const [ROUNDS_AT_ONCE, ROUND_MS] = [10, 2000]

export const ATTACKS: Attack[] = [
  flood(256, '2 connections, each 1,700 pipelined GET /docs/json, unread, no token', {
    connections: 2,
    reads: false,
    texts: () => [head('GET /docs/json').repeat(PIPELINED)]
  }),
  flood(256, '20 connections, each 1,700 pipelined GET /readyz, unread, no token', {
    connections: 20,
    reads: false,
    texts: () => [head('GET /readyz').repeat(PIPELINED)]
  }),
  flood(256, '3,500 connections, each 100 pipelined GET /readyz, unread, no token', {
    connections: 3500,
    reads: false,
    texts: () => [head('GET /readyz').repeat(100)]
  }),
  flood(256, '3,500 connections that ask for /docs/json, unread, no token', {
    connections: 3500,
    reads: false,
    texts: () => [head('GET /docs/json')]
  }),
  flood(512, '120 connections that ask for a score of 10 MB, unread', {
    connections: 120,
    reads: false,
    texts: ({ attackers, largeScore }) => [head(`GET ${largeScore}`, attackers[0])]
  }),
  flood(512, '96 pipelined requests for a score of 10 MB on one connection, unread', {
    connections: 1,
    reads: false,
    texts: ({ attackers, largeScore }) => [head(`GET ${largeScore}`, attackers[0]).repeat(96)]
  }),
  flood(512, '500 connections that send 0.99 MB of a body of 1.0 MB and stop', {
    connections: 500,
    reads: true,
    texts: ({ attackers }) => [unfinished(attackers[0]!)]
  }),
  flood(512, 'a list of 100,000 rows with names of 300 characters, again and again', {
    connections: 1,
    reads: true,
    texts: ({ longRows }) => list(longRows)
  }),
  flood(256, 'a list of 50,000 ordinary rows, again and again', {
    connections: 1,
    reads: true,
    texts: ({ ordinaryRows }) => list(ordinaryRows)
  }),
  {
    name: 'scores of 1 MB saved at full speed over 16 connections',
    megabytes: 512,
    ms: MS,
    async run({ connections, accounts, ms }) {
      const texts = [wholeSave(accounts.attackers[0]!)]
      const result = await connections({ connections: 16, texts, reads: true, ms })
      const windows = Math.ceil(ms / RATE_WINDOW_MS) + 1
      return {
        answers: describeConnections(result),
        target: atMost(windows * RATE_LIMIT, 'saved', result.statuses['201'] ?? 0)
      }
    }
  },
  {
    name: 'upload URLs of 50 MB for 700 sessions, over 4 connections',
    megabytes: 256,
    ms: MS,
    async run({ crowd, accounts, databaseUrl, ms }) {
      const answers = await crowd({ calls: accounts.uploads, connections: 4, ms })
      const [open] = await query<{ count: number }>(
        databaseUrl,
        'SELECT count(*)::int FROM open_uploads GROUP BY user_id ORDER BY count DESC LIMIT 1'
      )
      return {
        answers: countEach(answers.map(({ status }) => status)),
        target: atMost(MAX_OPEN_UPLOADS, 'open uploads of a user', open?.count ?? 0)
      }
    }
  },
  slowBodies("four accounts that trickle 40 bodies at 1 kB/s in all, beside another's saves of 2 MB", {
    pieces: { piece: `19\r\n${' '.repeat(0x19)}\r\n`, everyMs: 1000 }
  }),
  slowBodies("four accounts that send 120 kB of each of 40 bodies and stop, beside another's saves of 2 MB", {
    start: `1d4c0\r\n${' '.repeat(0x1d4c0)}\r\n`
  }),
  {
    name: 'GET /readyz 1,000 times a second, no token',
    megabytes: 256,
    ms: MS,
    async run({ url, crowd, countStorageRequests, ms, scale }) {
      const start = await countStorageRequests()
      await fetch(`${url}/readyz`)
      const before = await countStorageRequests()
      const answers = await crowd({
        calls: [{ path: '/readyz', token: '' }],
        connections: 200,
        rate: 1000,
        ms
      })
      const rounds = ((await countStorageRequests()) - before) / (before - start)
      const allowed = Math.ceil(ROUNDS_AT_ONCE + (ms * scale) / ROUND_MS)
      return {
        answers: countEach(answers.map(({ status }) => status)),
        target: atMost(allowed, 'rounds of checks', rounds)
      }
    }
  }
]

/** Bodies of unknown length that hold places, while another user saves recordings. */
function slowBodies(
  name: string,
  { start = '', pieces }: { start?: string; pieces?: AttackQuestion['trickle'] }
): Attack {
  return {
    name,
    megabytes: 256,
    ms: TRICKLE_MS,
    async run(context) {
      const { connections, accounts, ms } = context
      const texts = accounts.attackers.map((token) => post(token, 'Transfer-Encoding: chunked\r\n') + start)
      const attack = connections({ connections: 40, texts, trickle: pieces, reads: true, ms })
      const [saved, result] = await Promise.all([saveUntilEnd(context), attack])
      const { answers, ms: slowest } = saved
      const isMet = answers.length > 0 && answers.every((answer) => answer === 201)
      return {
        answers: describeConnections(result),
        target: judge(`all saves succeed (${countEach(answers)}, up to ${format(slowest / 1000)} s)`, isMet)
      }
    }
  }
}

/** Saves three recordings at a time, until the attack is over. `ms`: how long the slowest three took. */
async function saveUntilEnd({ save, url, accounts, ms, scale }: AttackContext): Promise<SavesResult> {
  const end = performance.now() + ms * scale
  const all: SavesResult = { answers: [], ms: 0 }
  while (performance.now() < end) {
    const { answers, ms } = await save({ url, token: accounts.saver, count: 3 })
    all.answers.push(...answers)
    all.ms = Math.max(all.ms, ms)
    await sleep(500)
  }
  return all
}
