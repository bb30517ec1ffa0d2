/**
 * The keys of fly.toml and render.yaml, against those that the platforms document: both ignore or refuse others.
 * https://fly.io/docs/reference/configuration/, https://render.com/docs/blueprint-spec
 */
import { readFile } from 'node:fs/promises'
import Fastify from 'fastify'
import t from 'tap'
import { toList } from '../src/server/environment/convert.ts'
import { EnvironmentSchema } from '../src/server/environment/schema.ts'

const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), 'utf8')

const FLY: Record<string, string> = {
  '': 'app primary_region kill_signal kill_timeout swap_size_mb console_command',
  build: 'builder buildpacks image dockerfile ignorefile build-target',
  deploy: 'release_command release_command_timeout strategy max_unavailable wait_timeout',
  http_service:
    'internal_port force_https auto_stop_machines auto_start_machines min_machines_running processes',
  'http_service.concurrency': 'type soft_limit hard_limit',
  'http_service.checks':
    'grace_period interval timeout method path protocol tls_skip_verify tls_server_name headers',
  metrics: 'port path processes',
  vm: 'size memory cpus cpu_kind gpu_kind gpus host_dedication_id kernel_args processes persist_rootfs'
}
const FLY_LISTS = ['http_service.checks', 'vm']

const RENDER = {
  service:
    'type name runtime plan region repo branch rootDir autoDeployTrigger numInstances scaling envVars domains disk ' +
    'dockerfilePath dockerContext dockerCommand preDeployCommand healthCheckPath maxShutdownDelaySeconds schedule',
  variable: 'key value sync generateValue previewValue fromService fromDatabase fromGroup',
  fromService: 'type name property envVarKey'
}

const has = (names: string | undefined, name: string) => names?.split(' ').includes(name) ?? false

t.test('fly.toml has only keys that Fly.io documents, with values that it accepts', async (t) => {
  const text = await read('fly.toml')
  let section = ''
  for (const line of text.split('\n').map((line) => line.trim())) {
    const [, list, name] = /^(\[{1,2})([\w.]+)\]{1,2}$/.exec(line) ?? []
    if (name !== undefined) {
      section = name
      t.ok(name === 'env' || name in FLY, `[${name}]`)
      t.equal(list === '[[', FLY_LISTS.includes(name), `${name} is a list or not`)
    }
    const [, key = ''] = /^([\w-]+) = /.exec(line) ?? []
    if (key && section === 'env') t.match(line, /^[A-Z0-9_]+ = ".*"$/, `${key} is a text`)
    else if (key) t.ok(has(FLY[section], key), `${section}: ${key}`)
    if (line && !name && !key) t.match(line, /^#/, 'a comment')
  }
  const value = (key: string) => new RegExp(`^ *${key} = "?([^"\n]+)"?$`, 'm').exec(text)?.[1] ?? ''
  t.match(value('kill_signal'), /^(SIGINT|SIGTERM|SIGQUIT|SIGUSR1|SIGUSR2|SIGKILL|SIGSTOP)$/)
  t.ok(Number(value('kill_timeout')) <= 300, 'five minutes at most on shared CPUs')
  t.match(value('auto_stop_machines'), /^(off|stop|suspend)$/)
  t.equal(value('internal_port'), value('PORT'))
  t.equal(value('port'), value('METRICS_PORT'), 'Fly.io scrapes the port of the metrics')
})

t.test('render.yaml has only keys that Render documents, with values that it accepts', async (t) => {
  const text = await read('render.yaml')
  const depths = { 2: 'service', 4: 'service', 6: 'variable', 8: 'variable', 10: 'fromService' } as const
  for (const line of text.split('\n').filter((line) => line && !/^ *#/.test(line))) {
    if (/^ {10}[\w.:/]+,/.test(line)) continue // a further line of a folded value
    const [, indent = '', dash = '', key = ''] = /^( *)(- )?(\w+):/.exec(line) ?? []
    if (line === 'services:') continue
    const kind = depths[indent.length as keyof typeof depths]
    t.ok(kind && has(RENDER[kind], key), `${kind}: ${key}`)
    if (dash) t.match(key, kind === 'service' ? 'type' : 'key')
  }
  for (const [, region] of text.matchAll(/region: (\w+)/g)) {
    t.match(region, /^(oregon|ohio|virginia|frankfurt|singapore)$/)
  }
  for (const [, type] of text.matchAll(/- type: (\w+)/g)) t.match(type, /^(web|cron)$/)
  const delay = Number(/maxShutdownDelaySeconds: (\d+)/.exec(text)?.[1])
  t.ok(delay >= 1 && delay <= 300)
  t.match(text, /schedule: '[\d*/, -]+'/)
})

t.test('render.yaml believes the proxies of Render and of Cloudflare, and no client', async (t) => {
  const text = await read('render.yaml')
  const [, folded = ''] = /- key: TRUST_PROXY\n +value: >-\n((?: {10}.+\n)+)/.exec(text) ?? []
  const proxies = folded.trim().replaceAll(/\n +/g, ' ') // as YAML folds it
  const { TRUST_PROXY: schema } = EnvironmentSchema.properties
  t.match(proxies, new RegExp(schema.pattern ?? ''))
  const app = Fastify({ trustProxy: toList(proxies) })
  app.get('/', async ({ ip }) => ip)
  const addressOf = async (forwarded: string) => {
    const headers = { 'x-forwarded-for': forwarded }
    return (await app.inject({ url: '/', headers, remoteAddress: '10.21.157.68' })).body
  }
  t.equal(await addressOf('99.61.165.29, 104.22.17.40'), '99.61.165.29')
  t.equal(await addressOf('2001:db8::7, 2606:4700:10::1'), '2001:db8::7')
  t.equal(await addressOf('10.0.0.1, 99.61.165.29, 104.22.17.40'), '99.61.165.29', 'sent by the client')
})
