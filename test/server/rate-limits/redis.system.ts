import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { connectRedis } from '../../../src/server/rate-limits/redis.ts'
import { build, startServices } from '../../helpers/app.ts'
import { findFreePort } from '../../helpers/free-port.ts'
import { isProblem } from '../../helpers/problem.ts'
import { needsRedis, startRedis } from '../../helpers/redis.ts'
import { until } from '../../helpers/until.ts'

t.test('two instances share the counts in Redis, and survive its loss', { skip: needsRedis }, async (t) => {
  const port = await findFreePort()
  let redis = await startRedis(port)
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

  await redis.stop()
  const alone = await statuses()
  t.strictSame(
    alone.map(({ statusCode }) => statusCode),
    [200, 200, 200, 200],
    'each instance counts its own'
  )

  redis = await startRedis(port)
  await sleep(3000)
  const again = await statuses()
  t.strictSame(
    again.map(({ statusCode }) => statusCode),
    [200, 200, 200, 429],
    'shared again'
  )
  await redis.stop()
})

t.test(
  'a Redis that hangs is given up, and is used again once it answers',
  { skip: needsRedis },
  async (t) => {
    const port = await findFreePort()
    const server = await startRedis(port)
    const lines: string[] = []
    const redis = await connectRedis(`redis://127.0.0.1:${port}`, {
      warn: (_details, line) => lines.push(line),
      info: (line) => lines.push(line)
    })
    t.teardown(async () => {
      redis.disconnect()
      await server.stop()
    })
    await until(() => redis.status === 'ready')
    server.kill('SIGSTOP')
    await t.rejects(redis.incr('key'), /timed out/)
    await until(() => lines.length === 1)
    t.match(lines, [/does not answer/])
    await t.rejects(redis.incr('key'), /writeable|closed/, 'at once, without a wait')
    server.kill('SIGCONT')
    await until(() => lines.length === 2)
    t.match(lines[1], /answers again/)
    await redis.incr('key')
  }
)
