import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'

const isMissing = spawnSync('redis-server', ['--version']).error !== undefined
if (isMissing && process.env['CI']) throw new Error('redis-server is missing')
const skip = isMissing && 'redis-server is not installed'

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function startRedis(port: number) {
  const server = spawn('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    '/tmp'
  ])
  for await (const output of server.stdout) if (String(output).includes('Ready to accept')) break
  server.stdout.resume()
  return async () => {
    server.kill()
    await once(server, 'exit')
  }
}

t.test('two instances share the counts in Redis, and survive its loss', { skip }, async (t) => {
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
