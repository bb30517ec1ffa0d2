import { randomUUID } from 'node:crypto'
import type { BuiltServer } from './built-server.ts'
import type { Answer, Client } from './instances.ts'

const DAY_MS = 86_400_000

/** The same time of an earlier day, as on the wire. */
export const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

/**
 * Saves, reads and deletes as several users, until it is stopped. A request that is cut is repeated once, at another
 * instance.
 */
export function startLoad(clients: Client[], running: () => BuiltServer[], audioBase64: string) {
  const failures: string[] = []
  const stored = new Set<string>()
  const removed = new Set<string>()
  let [total, cut] = [0, 0]
  let killed: BuiltServer | undefined
  const stopping = new AbortController()

  /** @returns whether the answer has one of the statuses */
  async function attempt(turn: number, call: (instance: BuiltServer) => Promise<Answer>, expected: number[]) {
    total++
    const used = running()[turn % running().length]!
    const answer = await call(used).catch(async (error: Error) => {
      if (used !== killed) failures.push(`cut by an instance that was not killed: ${error.message}`)
      cut++
      return call(running().find((instance) => instance !== used)!)
    })
    if (!expected.includes(answer.status)) failures.push(`${answer.status} ${JSON.stringify(answer.json)}`)
  }

  async function practise(client: Client, turn: number) {
    const id = randomUUID()
    const fields = { id, date: daysAgo(turn % 3), ...(turn % 2 === 0 && { audioBase64 }) }
    await attempt(turn, (instance) => client.save(instance, fields), [200, 201])
    stored.add(id)
    await attempt(turn + 1, (instance) => client.call(instance, { path: '/api/stats' }), [200])
    if (turn % 3 !== 0) return
    stored.delete(id)
    const removal = { method: 'DELETE', path: `/api/sessions/${id}` }
    await attempt(turn + 2, (instance) => client.call(instance, removal), [204, 404])
    removed.add(id)
  }

  const workers = clients.map(async (client, first) => {
    for (let turn = first; !stopping.signal.aborted; turn++) await practise(client, turn)
  })
  return {
    count: () => total,
    wasKilled: (instance: BuiltServer) => {
      killed = instance
    },
    async stop() {
      stopping.abort()
      await Promise.all(workers)
      return { failures, cut, stored, removed, total }
    }
  }
}
