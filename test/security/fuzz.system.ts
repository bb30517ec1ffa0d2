import { randomInt, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { build } from '../helpers/app.ts'
import type { OpenApi } from '../helpers/openapi.ts'
import { needsServerWithin } from '../helpers/server-command.ts'
import { createModel } from './fuzz/model.ts'
import { createRequests } from './fuzz/requests.ts'
import { compareAll, sendFuzzed, type Fuzzed } from './fuzz/run.ts'

/** Requests in all. `npm run fuzz` sends many, and with another seed each time. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 1000)
const SEED = Number(process.env['FUZZ_SEED'] ?? (process.env['FUZZ_REQUESTS'] ? randomInt(2 ** 31) : 1))
/** Requests of two new users, one after the other. */
const SEQUENCE = 50

t.setTimeout(0)

t.test('fuzzed requests of all operations', { skip: needsServerWithin }, async (t) => {
  const { app, issuer, as } = await build(t)
  const document = (await app.inject('/docs/json')).json<OpenApi>()
  const statuses: Record<number, number> = {}
  const startedAt = performance.now()
  let sent = 0

  async function run(requests: Parameters<typeof sendFuzzed>[1][]): Promise<void> {
    const people = [as(`auth0|${randomUUID()}`), as(`auth0|${randomUUID()}`)] as const
    for (const person of people) await person.sync()
    const fuzzed: Fuzzed = { app, issuer, models: [createModel(people[0].sub), createModel(people[1].sub)] }
    for (const request of requests) {
      const status = await sendFuzzed(fuzzed, request)
      statuses[status] = (statuses[status] ?? 0) + 1
      sent++
    }
    await compareAll(fuzzed)
  }

  const sequences = fc.array(createRequests(document), {
    minLength: SEQUENCE,
    maxLength: SEQUENCE,
    size: 'max'
  })
  // A failure tells the seed. With FUZZ_SHRINK, fast-check looks for the shortest sequence that fails.
  await fc.assert(fc.asyncProperty(sequences, run), {
    numRuns: Math.ceil(REQUESTS / SEQUENCE),
    seed: SEED,
    endOnFailure: !process.env['FUZZ_SHRINK'],
    includeErrorInReport: true,
    interruptAfterTimeLimit: 24 * 3_600_000
  })
  const seconds = (performance.now() - startedAt) / 1000
  t.comment(
    `seed ${SEED}: ${sent} requests, ${Math.round(sent / seconds)} a second, ${JSON.stringify(statuses)}`
  )
  t.ok((statuses[201] ?? 0) > sent / 20, 'enough requests succeed')
  t.ok((statuses[400] ?? 0) > sent / 20, 'enough requests are refused')
})
