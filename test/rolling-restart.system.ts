/** Three instances of the built server behind nginx, restarted one by one under load. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startServices } from './helpers/app.ts'
import { isHealthy, startBuiltServer, type BuiltServer } from './helpers/built-server.ts'
import { findFreePort } from './helpers/free-port.ts'
import { isMissing } from './helpers/missing-program.ts'
import { fixture } from './helpers/recordings.ts'

const skip = isMissing('nginx', '-v')
const INSTANCES = 3
const urlOf = (port: number) => `http://127.0.0.1:${port}`

t.setTimeout(180_000)

t.test('a rolling restart fails no request', { skip }, async (t) => {
  const { env, issuer, database } = await startServices(t)
  const pool = { DATABASE_POOL_SIZE: database.real ? '5' : '2' }
  const variables = { ...env, ...pool, DRAIN_DELAY_MS: '3000', LOG_LEVEL: 'silent' }
  const ports = await Promise.all(Array.from({ length: INSTANCES + 1 }, findFreePort))
  const [front = 0, ...backs] = ports
  const instances = new Map<number, BuiltServer>()
  const start = async (port: number) => {
    instances.set(port, await startBuiltServer(t, variables, port))
  }
  for (const port of backs) await start(port)
  const balancer = await startBalancer(t, front, backs)

  const authorization = `Bearer ${issuer.token('auth0|clara')}`
  const load = await startLoad(front, authorization)
  for (const port of backs) {
    const before = load.count()
    const instance = instances.get(port)!
    instance.kill('SIGTERM')
    const [code] = await instance.exited
    t.equal(code, 0, `${port} has ended by itself`)
    t.notOk(balancer.serving().includes(port), 'the balancer had noticed before')
    await start(port)
    while (!balancer.serving().includes(port)) await sleep(50)
    t.ok(load.count() > before, 'requests went on')
  }
  const { total, failures } = await load.stop()
  t.strictSame(failures, [])
  t.ok(total > 100, `${total} requests`)
  t.comment(`${total} requests, ${failures.length} failed`)
})

/**
 * nginx, and what looks after it as a platform does: every 200 ms it asks each instance for its health, and takes
 * those out that are not healthy. nginx itself repeats no request.
 */
async function startBalancer(t: Test, front: number, backs: number[]) {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-nginx-'))
  const config = join(directory, 'nginx.conf')
  let serving: number[] = []
  const write = async (healthy: number[]) => {
    await writeFile(config, nginxConfig(directory, { front, backs: healthy }))
    serving = healthy
  }
  await write(backs)
  execFileSync('nginx', ['-t', '-q', '-c', config, '-p', directory])
  const nginx = spawn('nginx', ['-c', config, '-p', directory], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(nginx, 'exit')
  const stopping = new AbortController()
  const watching = watch()
  t.teardown(async () => {
    stopping.abort()
    await watching
    nginx.kill('SIGQUIT')
    await ended
    await rm(directory, { recursive: true, force: true })
  })
  while (!(await isHealthy(urlOf(front)))) await sleep(50)
  return { serving: () => serving }

  async function watch() {
    while (!stopping.signal.aborted) {
      const healthy = await Promise.all(backs.map((port) => isHealthy(urlOf(port))))
      const next = backs.filter((_port, index) => healthy[index])
      if (next.length > 0 && String(next) !== String(serving)) {
        await write(next)
        nginx.kill('SIGHUP')
      }
      await sleep(200)
    }
  }
}

const nginxConfig = (directory: string, { front, backs }: { front: number; backs: number[] }) => `
user root;
daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log stderr error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_max_body_size 0;
  upstream instances {
    ${backs.map((port) => `server 127.0.0.1:${port} max_fails=0;`).join(' ')}
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${front};
    location / {
      proxy_pass http://instances;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }
  }
}
`

/** Reads and saves, with and without a recording, until it is stopped. */
async function startLoad(port: number, authorization: string) {
  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  const session = { songName: 'Träumerei', instrument: 'Piano', duration: 60 }
  const calls = [
    () => call('GET', '/api/sessions?limit=20'),
    () => call('POST', '/api/sessions', session),
    () => call('GET', '/api/stats'),
    () => call('POST', '/api/sessions', { ...session, audioBase64 })
  ]
  const failures: string[] = []
  let total = 0
  const stopping = new AbortController()
  await call('POST', '/api/users/sync', { auth0_id: 'auth0|clara', email: 'clara@example.com' })
  const workers = calls.map(async (_call, first) => {
    for (let turn = first; !stopping.signal.aborted; turn++) {
      await calls[turn % calls.length]!()
      await sleep(20)
    }
  })
  return {
    count: () => total,
    stop: async () => {
      stopping.abort()
      await Promise.all(workers)
      return { total, failures }
    }
  }

  async function call(method: string, path: string, body?: object) {
    total++
    const outcome = await send(port, { method, path, authorization, body }).catch(
      (error: Error) => error.message
    )
    if (!/^20[01]$/.test(outcome)) failures.push(`${method} ${path}: ${outcome}`)
  }
}

type Call = { method: string; path: string; authorization?: string; body?: object | undefined }

/** @returns the status, and the body of an error */
async function send(port: number, { method, path, authorization, body }: Call): Promise<string> {
  const outgoing = request({
    port,
    host: '127.0.0.1',
    method,
    path,
    agent: false,
    headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) }
  })
  const answered = once(outgoing, 'response')
  outgoing.end(body && JSON.stringify(body))
  const [answer] = await answered
  const content = await text(answer)
  return answer.statusCode < 300 ? String(answer.statusCode) : `${answer.statusCode} ${content}`
}
