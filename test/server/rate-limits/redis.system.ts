import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { findFreePort } from '../../helpers/free-port.ts'
import { isProblem } from '../../helpers/problem.ts'
import { needsRedis, startRedis } from '../../helpers/redis.ts'

t.test('two instances share the counts in Redis, and survive its loss', { skip: needsRedis }, async (t) => {
  const port = await findFreePort()
  let stop = await startRedis(port)
  const services = await startServices(t)
  const env = { RATE_LIMIT: '3', REDIS_URL: `redis://127.0.0.1:${port}` }
  const [first, second] = [await build(t, { services, env }), await build(t, { services, env })]
  await sleep(500) // until both are connected
  const statuses = async () => {
    const callers = [first, second, first, second].map(({ as }) => as('auth0|shared'))
    const answers = []
    for (const caller of callers) answers.push(await caller.list())
    return answers
  }

  const shared = await statuses()
  t.strictSame(
    shared.map(({ statusCode }) => statusCode),
    [200, 200, 200, 429]
  )
  isProblem(t, shared[3]!, 'too_many_requests')

  await stop()
  const alone = await statuses()
  t.strictSame(
    alone.map(({ statusCode }) => statusCode),
    [200, 200, 200, 200],
    'each instance counts its own'
  )

  stop = await startRedis(port)
  await sleep(3000)
  const again = await statuses()
  t.strictSame(
    again.map(({ statusCode }) => statusCode),
    [200, 200, 200, 429],
    'shared again'
  )
  await stop()
})
