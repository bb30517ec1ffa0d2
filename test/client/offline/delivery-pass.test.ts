import t from 'tap'
import { StorageError } from '../../../src/client/index.ts'
import { pauseAfter, runPass, type PassOptions } from '../../../src/client/offline/delivery-pass.ts'
import type { QueueItem } from '../../../src/client/offline/queue-item.ts'
import type { QueueStorage } from '../../../src/client/offline/queue-storage.ts'

const now = new Date('2026-11-26T14:05:00.000Z')
const background = { force: false, isAwaited: false }
const noNetwork = new StorageError(0, 'network_error', 'No network')
const blocked = new StorageError(403, 'http_403', 'Blocked by the proxy')

/** A pass over ten items. Resolves with the places of those that were tried, and with what was marked. */
async function pass(
  outcomeOf: (item: QueueItem) => Error | undefined,
  options: PassOptions,
  given: Partial<QueueItem> = {}
) {
  const items = Array.from({ length: 10 }, (_, place) => ({ place, id: `${place}`, revision: 1, ...given }))
  const tried: number[] = []
  const marked: Partial<QueueItem>[] = []
  const queue = {
    mark: async (_: QueueItem, outcome: Partial<QueueItem>) => {
      marked.push(outcome)
    }
  } as unknown as QueueStorage
  const result = await runPass(
    {
      queue,
      clock: { now: () => now, sleep: async () => {} },
      onChange: () => {},
      async sendNext(isDue) {
        const item = items.find(isDue)
        if (!item) return undefined
        tried.push(item.place)
        const error = outcomeOf(item)
        return { item, ...(error && { error }) }
      }
    },
    options
  )
  return { tried: tried.length, marked, ...result }
}

t.test('sends each item once', async (t) => {
  t.strictSame(await pass(() => undefined, background), {
    tried: 10,
    marked: [],
    error: undefined,
    hasDelivered: true
  })
})

t.test(
  'without answers, stops after as many failures as the first item has had, up to a limit',
  async (t) => {
    for (const [failures, isAwaited, expected] of [
      [0, false, 1],
      [2, false, 3],
      [9, false, 5],
      [0, true, 1],
      [9, true, 2]
    ] as const) {
      const { tried, error } = await pass(() => noNetwork, { force: true, isAwaited }, { failures })
      t.equal(tried, expected, `${failures} failures, awaited: ${isAwaited}`)
      t.equal(error, noNetwork)
    }
  }
)

t.test('after errors that a server answers, tries five items, also while a caller waits', async (t) => {
  for (const isAwaited of [false, true]) {
    t.equal((await pass(() => blocked, { force: true, isAwaited })).tried, 5)
  }
})

t.test('ends at once after an error that concerns every item', async (t) => {
  const signedOut = new StorageError(401, 'no_token', 'Sign in')
  t.equal((await pass(() => signedOut, background)).tried, 1)
})

t.test('goes on after a refusal, and after each delivery counts from the start', async (t) => {
  const refused = new StorageError(400, 'invalid_input', 'No')
  t.match(await pass(() => refused, background), { tried: 10, error: undefined, hasDelivered: false })
  const everyOther = ({ place }: QueueItem) => (place % 2 ? blocked : undefined)
  t.match(await pass(everyOther, background), { tried: 10, error: blocked, hasDelivered: true })
})

t.test('leaves delayed items until they are due, except with force', async (t) => {
  const delayed = { overtaken: true, failures: 1, retryAt: now.getTime() + 1 }
  t.equal((await pass(() => undefined, background, delayed)).tried, 0)
  t.equal((await pass(() => undefined, { ...background, force: true }, delayed)).tried, 10)
  t.equal((await pass(() => undefined, background, { ...delayed, retryAt: now.getTime() })).tried, 10)
})

t.test('notes the failures, and pauses that grow up to five minutes', async (t) => {
  const { marked } = await pass(() => blocked, background, { failures: 2 })
  t.match(marked[0], { failures: 3, failure: { code: 'http_403' }, retryAt: now.getTime() + 40_000 })
  t.strictSame(
    [0, 1, 2, 9, 5_000].map((failures) => pauseAfter(failures)),
    [5_000, 10_000, 20_000, 300_000, 300_000]
  )
})
