import { readFile } from 'node:fs/promises'
import { ExportResultCode } from '@opentelemetry/core'
import t, { type Test } from 'tap'
import { reportFailures } from '../../../src/server/tracing/report-failures.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'
import { startTraceCollector, type CollectedSpan } from '../../helpers/trace-collector.ts'

const skip = needsServerWithin
const services = await startServices(t)
const recording = (await fixture('recording.webm')).toString('base64')
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const traceparent = (flags: string) => `00-${TRACE}-b7ad6b7169203331-${flags}`

/** An app that sends its traces to a collector, over HTTP. `collect` closes it, which sends the last spans. */
async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const collector = await startTraceCollector(t)
  const { app, as } = await build(t, {
    services,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }
  })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const clara = as('auth0|clara')
  const call = async (
    method: string,
    path: string,
    { body, headers }: { body?: object; headers?: object } = {}
  ) => {
    const answer = await fetch(origin + path, {
      method,
      headers: { ...clara.headers(), ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) })
    })
    await answer.text()
    return answer
  }
  const collect = async () => {
    await app.close()
    return collector.spans()
  }
  return { app, collector, call, collect }
}

const session = { songName: 'Secret Träumerei', instrument: 'Piano', duration: 60 }
const sync = { auth0_id: 'auth0|clara', email: 'clara@example.com' }
const rootOf = (spans: CollectedSpan[], name: string) => {
  const root = spans.find((span) => span.name === name)
  if (!root) throw new Error(`${name} is missing among ${spans.map((span) => span.name)}`)
  return root
}

t.test('a save is one connected trace from the request to statements and storage', { skip }, async (t) => {
  const { call, collect, collector } = await start(t, {
    OTEL_SERVICE_NAME: 'coach',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc,x-team=music'
  })
  await call('POST', '/api/users/sync', { body: sync })
  const saved = await call('POST', '/api/sessions', { body: { ...session, audioBase64: recording } })
  t.equal(saved.status, 201)
  await call('GET', '/healthz')
  const spans = await collect()

  t.equal(collector.state.path, '/v1/traces')
  t.match(collector.state.headers, { authorization: 'Basic abc', 'x-team': 'music' })
  const root = rootOf(spans, 'POST /api/sessions')
  t.match(root, {
    parentId: '',
    isError: false,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/api/sessions',
      'http.response.status_code': 201,
      'url.scheme': 'http'
    },
    resource: { 'service.name': 'coach' }
  })
  const trace = spans.filter(({ traceId }) => traceId === root.traceId)
  const byId = new Map(trace.map((span) => [span.spanId, span]))
  for (const span of trace) if (span !== root) t.ok(byId.has(span.parentId), `${span.name} has its parent`)
  const parentOf = (name: string) => byId.get(rootOf(trace, name).parentId)?.name
  t.equal(parentOf('save-leased'), 'POST /api/sessions')
  t.equal(parentOf('storage upload'), 'POST /api/sessions')
  t.equal(parentOf('acquire lease'), 'POST /api/sessions')
  t.equal(parentOf('INSERT session_leases'), 'acquire lease')
  t.match(rootOf(trace, 'save-leased').attributes, {
    'db.system.name': 'postgresql',
    'db.query.summary': 'save-leased'
  })
  t.match(rootOf(trace, 'storage upload').attributes, { 'http.response.status_code': 200 })

  const synced = rootOf(spans, 'POST /api/users/sync')
  const inSync = spans.filter(({ traceId }) => traceId === synced.traceId)
  t.equal(rootOf(inSync, 'read key set').parentId, synced.spanId)
  const transaction = rootOf(inSync, 'transaction')
  t.equal(transaction.parentId, synced.spanId, 'also after the body of the request')
  t.equal(rootOf(inSync, 'INSERT users').parentId, transaction.spanId)
  t.notOk(spans.some(({ name }) => name.includes('healthz')))

  const sent = Buffer.concat(collector.bodies).toString('latin1')
  for (const value of ['Secret', 'clara', 'auth0|', saved.headers.get('location')?.split('/').pop() ?? '-']) {
    t.notOk(sent.includes(value), `${value} is not in the traces`)
  }
})

t.test('the trace of the caller is continued, and its decision is kept', { skip }, async (t) => {
  const { call, collect } = await start(t)
  await call('GET', '/api/stats', { headers: { traceparent: traceparent('00') } })
  await call('GET', '/api/sessions', { headers: { traceparent: traceparent('01'), tracestate: 'a=b' } })
  await call('GET', '/api/users/me', { headers: { traceparent: '00-wrong' } })
  const spans = await collect()
  t.match(rootOf(spans, 'GET /api/sessions'), { traceId: TRACE, parentId: 'b7ad6b7169203331' })
  t.notOk(spans.some(({ name }) => name === 'GET /api/stats'))
  t.equal(rootOf(spans, 'GET /api/users/me').parentId, '')
})

t.test('errors are named by their code, and a refused request is no error', { skip }, async (t) => {
  const { call, collect } = await start(t)
  await call('GET', '/api/sessions/no-uuid')
  await services.storage.stop()
  const { status } = await call('POST', '/api/sessions', { body: { ...session, audioBase64: recording } })
  await services.storage.start()
  t.equal(status, 503)
  const spans = await collect()
  t.match(rootOf(spans, 'GET /api/sessions/:id'), {
    isError: false,
    attributes: { 'http.response.status_code': 400 }
  })
  t.match(rootOf(spans, 'POST /api/sessions'), {
    isError: true,
    attributes: { 'http.response.status_code': 503, 'error.type': 'storage_unavailable' }
  })
  t.match(rootOf(spans, 'storage upload'), { isError: true, attributes: { 'error.type': 'ECONNREFUSED' } })
})

t.test('the log lines of a traced request name its trace', { skip }, async (t) => {
  const { call, collect, app } = await start(t)
  const bindings: object[] = []
  const { child } = app.log
  app.log.child = function (this: typeof app.log, given: object, ...options: []) {
    bindings.push(given)
    return child.call(this, given, ...options)
  } as typeof child
  await call('GET', '/api/sessions', { headers: { traceparent: traceparent('01') } })
  await call('GET', '/healthz')
  const spans = await collect()
  const { spanId } = rootOf(spans, 'GET /api/sessions')
  t.strictSame(
    bindings.filter((given) => 'trace_id' in given),
    [{ trace_id: TRACE, span_id: spanId }]
  )
})

t.test(
  'a collector that is away or hangs neither delays nor fails a request or the shutdown',
  { skip },
  async (t) => {
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '3000'
    t.teardown(() => delete process.env['OTEL_EXPORTER_OTLP_TIMEOUT'])
    for (const state of ['away', 'hanging'] as const) {
      const { call, app, collector } = await start(t)
      const warnings: string[] = []
      app.log.warn = ((_: unknown, text: string) => {
        warnings.push(text)
      }) as typeof app.log.warn
      if (state === 'away') await collector.stop()
      else collector.state.status = 0
      t.equal((await call('GET', '/api/sessions')).status, 200)
      t.equal((await call('GET', '/api/stats')).status, 200)
      const started = performance.now()
      await app.close()
      const ms = performance.now() - started
      t.ok(ms < 2900, `${state}: closed after ${Math.round(ms)} ms`)
      await collector.stop()
    }
  }
)

t.test('a collector that stops taking traces is logged once, and when it takes them again', async (t) => {
  const lines: string[] = []
  const log = {
    warn: (_: object, text: string) => lines.push(text),
    info: (text: string) => lines.push(text)
  } as never
  let code = ExportResultCode.FAILED
  const exporter = reportFailures({ export: (_spans, done) => done({ code }), shutdown: async () => {} }, log)
  const results: ExportResultCode[] = []
  const send = () => exporter.export([], (result) => results.push(result.code))
  send()
  send()
  code = ExportResultCode.SUCCESS
  send()
  send()
  t.strictSame(lines, [
    'The collector of traces is unavailable: traces are dropped',
    'The collector of traces is available again'
  ])
  t.strictSame(results, [1, 1, 0, 0])
})

t.test('without an endpoint the library is not loaded', { skip }, async (t) => {
  const app = await readFile(new URL('../../../src/server/app.ts', import.meta.url), 'utf8')
  t.notMatch(app, /^import .*tracing/m)
})
