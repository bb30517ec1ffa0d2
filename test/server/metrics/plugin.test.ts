import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { serveMetrics } from '../../../src/server/metrics/serve.ts'
import { build } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')

const names = (text: string) =>
  new Set(
    [...text.matchAll(/\b(?:harmony_helper|process|nodejs)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, '')
    )
  )

const skip = needsServerWithin

t.test(
  'a scrape under load has every metric of the documents, the rules and the dashboard',
  { skip },
  async (t) => {
    const { app, as, issuer, storage } = await build(t, { env: { METRICS_PORT: '0', RATE_LIMIT: '60' } })
    const origin = await app.listen({ host: '127.0.0.1', port: 0 })
    const server = await serveMetrics(app, { host: '127.0.0.1', port: 0 })
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
    const metrics = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const scrape = async () => (await fetch(`${metrics}/metrics`)).text()
    const clara = as('auth0|clara')
    const call = (path: string, init: RequestInit = {}) =>
      fetch(origin + path, { ...init, headers: clara.headers() })
    const post = (path: string, body: object) =>
      fetch(origin + path, {
        method: 'POST',
        headers: { ...clara.headers(), 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })

    await post('/api/users/sync', { auth0_id: clara.sub, email: 'clara@example.com' })
    const recording = await fixture('recording.webm')
    const session = { songName: 'Träumerei', instrument: 'Piano', duration: 60 }
    const saved = await post('/api/sessions', { ...session, audioBase64: recording.toString('base64') })
    t.equal(saved.status, 201)
    const { id } = (await saved.json()) as { id: string }
    await post('/api/sessions', { ...session, id })
    await Promise.all(Array.from({ length: 30 }, () => call('/api/sessions').then((answer) => answer.text())))
    await call(`/api/sessions/${id}`)
    await call('/api/xyzzy/here')
    await call('/plugh')
    await fetch(`${origin}/api/stats`, {
      headers: { authorization: `Bearer ${issuer.token('x').slice(0, -9)}` }
    })
    await call('/readyz')
    await storage.stop()
    await post('/api/sessions', { ...session, audioBase64: recording.toString('base64') })
    await storage.start()
    while ((await call('/api/stats')).status !== 429);

    const text = await scrape()
    const has = (line: string) => t.match(text, `\nharmony_helper_${line}\n`)
    has('http_requests_total{method="GET",route="/api/sessions",status="200"} 30')
    has('http_requests_total{method="GET",route="/api/sessions/:id",status="200"} 1')
    has('http_request_duration_seconds_count{method="GET",route="/api/sessions"} 30')
    t.notMatch(text, id, 'no id is a label')
    t.notMatch(text, /xyzzy|plugh/, 'no unknown path is a label')
    t.match(text, /http_requests_total\{method="any",route="unknown",status="404"\} \d/)
    has('http_requests_in_flight 0')
    has('saves_total{outcome="created"} 1')
    has('saves_total{outcome="refused"} 1')
    has('saves_total{outcome="failed"} 1')
    has(`recording_bytes_total ${recording.length}`)
    has('rate_limited_total{limit="user"} 1')
    has('problems_total{code="invalid_token"} 1')
    has('problems_total{code="storage_unavailable"} 1')
    has('problems_total{code="internal_error"} 0')
    has('database_connections_max 10')
    has('places{limiter="database"} 4')
    has('places_held{limiter="storage"} 0')
    has('check_ok{check="storage"} 1')
    t.notMatch(text, 'check="issuer"', 'only /readyz checks the issuer, so its value would be old')
    has('key_set_read_duration_seconds_count{outcome="ok"} 1')
    has('lease_acquisition_duration_seconds_count{outcome="ok"} 2')
    has('leases_lost_total 0')
    t.match(text, /database_call_duration_seconds_count\{call="history",outcome="ok"\} \d/)
    t.match(text, /storage_call_duration_seconds_count\{operation="upload",outcome="ok"\} 1/)
    t.match(text, /storage_call_duration_seconds_count\{operation="upload",outcome="failed"\} 1/)

    const exported = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name))
    for (const path of ['docs/operating.md', 'ops/alerts.yml', 'ops/dashboard.json']) {
      const used = names(await read(path))
      t.ok(used.size > 5, path)
      for (const name of used) t.ok(exported.has(name), `${path}: ${name}`)
    }
    const documented = names(await read('docs/operating.md'))
    const own = [...exported].filter((name) => name.startsWith('harmony_helper_'))
    t.strictSame(
      own.filter((name) => !documented.has(name)),
      []
    )

    t.test('a client that leaves is counted as aborted, and is not in flight any more', async (t) => {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1')
      socket.write('POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n')
      socket.write(
        `Content-Type: application/json\r\nAuthorization: ${as('auth0|robert').headers().authorization}\r\n\r\n{`
      )
      while (!/in_flight 1\n/.test(await scrape()));
      socket.destroy()
      await once(socket, 'close')
      while (!/in_flight 0\n/.test(await scrape()));
      t.match(await scrape(), 'route="/api/sessions",status="aborted"} 1')
    })

    t.test('nothing else is on the port', async (t) => {
      for (const [path, method] of [
        ['/', 'GET'],
        ['/api/sessions', 'GET'],
        ['/healthz', 'GET'],
        ['/metrics', 'POST']
      ] as const) {
        t.equal((await fetch(metrics + path, { method })).status, 404, `${method} ${path}`)
      }
      t.equal((await app.inject('/metrics')).statusCode, 404, 'nor are the metrics on the other')
    })

    t.test('a port that is taken is named', async (t) => {
      const { port } = server.address() as AddressInfo
      await t.rejects(serveMetrics(app, { host: '127.0.0.1', port }), /^METRICS_PORT: .*EADDRINUSE/)
    })
  }
)

t.test('every alert has a paragraph that says what to do', async (t) => {
  const rules = await read('ops/alerts.yml')
  const alerts = [...rules.matchAll(/- alert: (\w+)$/gm)].map(([, name = '']) => name)
  const links = [...rules.matchAll(/runbook_url: docs\/operating\.md#(\w+)$/gm)].map(
    ([, anchor = '']) => anchor
  )
  const paragraphs = [...(await read('docs/operating.md')).matchAll(/^### (\w+)\n\n[A-Z`]/gm)].map(
    ([, name = '']) => name
  )
  t.ok(alerts.length > 10)
  t.strictSame(paragraphs, alerts)
  t.strictSame(
    links,
    alerts.map((name) => name.toLowerCase())
  )
})

t.test('a server without METRICS_PORT does not load the library', { skip }, async (t) => {
  const sources = await Promise.all(
    ['plugin', 'instruments', 'requests', 'calls', 'events', 'state', 'serve'].map((name) =>
      read(`src/server/metrics/${name}.ts`)
    )
  )
  for (const source of sources) t.notMatch(source, /^import (?!type\b).*'prom-client'/m)
})

t.test('an alert whose summary names the instance keeps the instances apart', async (t) => {
  const rules = (await read('ops/alerts.yml')).split('- alert: ').slice(1)
  for (const rule of rules) {
    const [name = ''] = rule.split('\n')
    const [, expression = ''] = /expr: (.+)/.exec(rule) ?? []
    if (rule.includes('$labels.instance')) t.notMatch(expression, /\b(sum|max|min|avg)\b/, name)
  }
  const checkFails = rules.find((rule) => rule.startsWith('HarmonyHelperCheckFails'))
  t.match(checkFails, '$labels.instance', 'the spool files of one instance may fail alone')
})
