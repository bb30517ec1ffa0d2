import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { StorageClient } from '@supabase/storage-js'
import t, { type Test } from 'tap'
import { ApiError, ConfigurationFault } from '../../../src/server/errors.ts'
import { createStorage } from '../../../src/server/storage/storage.ts'
import { SERVICE_KEY, startStorage } from '../../helpers/app.ts'

const MB = 1024 ** 2

async function listen(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A storage server that gives the same answer to every request, or one answer for each method. */
const answering =
  (answers: Record<string, [status: number, body: unknown]>): RequestListener =>
  (request, response) => {
    const [status, body] = answers[request.method ?? ''] ?? answers['*'] ?? [500, {}]
    request.resume().on('end', () => {
      const isHtml = typeof body === 'string'
      response
        .writeHead(status, {
          'content-type': isHtml ? 'text/html' : 'application/json',
          ...(status === 301 && { location: 'https://example.com' })
        })
        .end(isHtml ? body : JSON.stringify(body))
    })
  }

function connect(t: Test, url: string, { maxRecordingBytes = 50 * MB, access = 'public' as const } = {}) {
  const config = { url, serviceKey: SERVICE_KEY, bucket: 'songs', access, linkSeconds: 60, timeoutMs: 2000 }
  const storage = createStorage(config, { maxRecordingBytes })
  t.teardown(() => storage.close())
  return storage
}

const error = (statusCode: string, message: string): [number, unknown] => [
  400,
  { statusCode, error: 'x', message }
]
const missing = error('404', 'Bucket not found')

const refusals: Array<
  [what: string, answers: Record<string, [number, unknown]>, code: string, sentence: RegExp]
> = [
  [
    'a key that is no JWT',
    { '*': error('403', 'Invalid Compact JWS') },
    'key_refused',
    /SUPABASE_SERVICE_ROLE_KEY/
  ],
  [
    'a key of another project',
    { '*': error('403', 'signature verification failed') },
    'key_refused',
    /service key/
  ],
  [
    'an expired key',
    { '*': error('400', '"exp" claim timestamp check failed: JWT') },
    'key_refused',
    /service key/
  ],
  ["the gateway's refusal of a key", { '*': [401, { message: 'Invalid API key' }] }, 'key_refused', /401/],
  [
    'a missing key',
    { '*': error('400', "headers must have required property 'authorization'") },
    'key_refused',
    /authorization/
  ],
  [
    'a key that is not the service key',
    { GET: missing, POST: error('403', 'new row violates row-level security policy') },
    'key_not_service',
    /set it to the service key/
  ],
  ['another web server', { '*': [404, '<html>Not Found</html>'] }, 'storage_url_wrong', /project URL/],
  [
    'an unknown route of a Fastify server',
    { '*': [404, { statusCode: 404, error: 'Not Found', message: 'Route not found' }] },
    'storage_url_wrong',
    /Route not found/
  ],
  [
    'another API',
    { GET: [404, { message: 'Route not found' }], POST: [405, {}] },
    'storage_url_wrong',
    /405/
  ],
  ['a page for every path', { '*': [200, '<html>Welcome</html>'] }, 'storage_url_wrong', /project URL/],
  ['JSON for every path', { '*': [200, {}] }, 'storage_url_wrong', /without a bucket/],
  ['a redirection', { '*': [301, {}] }, 'storage_url_wrong', /redirects with 301/],
  ['another refusal', { '*': error('400', 'Bucket name invalid') }, 'storage_refused', /Bucket name invalid/]
]

for (const [what, answers, code, sentence] of refusals) {
  t.test(`${what} is a fault of the configuration`, async (t) => {
    const storage = connect(t, await listen(t, answering(answers)))
    const failure = await storage.ensureBuckets().catch((error: unknown) => error)
    t.ok(failure instanceof ApiError)
    const { statusCode, message, retryAfter, cause } = failure as ApiError
    t.match({ statusCode, retryAfter }, { statusCode: 503, retryAfter: 60 })
    t.notMatch(message, /retry|repeat|again|shortly/i)
    t.ok(cause instanceof ConfigurationFault)
    t.equal((cause as ConfigurationFault).code, code)
    t.match((cause as ConfigurationFault).message, sentence)
    t.notMatch((cause as ConfigurationFault).message, SERVICE_KEY)
  })
}

const passing: Array<[what: string, answer: [number, unknown]]> = [
  ['a proxy without a storage behind it', [502, '<html>Bad gateway</html>']],
  ['a fault of the storage', [500, { statusCode: '500', message: 'Internal' }]],
  [
    'a busy database of the storage',
    [544, { statusCode: '544', message: 'The connection to the database timed out' }]
  ],
  ['too many requests', [429, { message: 'Too many requests' }]],
  ['a locked resource', error('423', 'resource_locked')]
]

for (const [what, answer] of passing) {
  t.test(`${what} may pass`, async (t) => {
    const storage = connect(t, await listen(t, answering({ '*': answer })))
    await t.rejects(storage.ensureBuckets(), {
      code: 'storage_unavailable',
      message: /Retry shortly/,
      retryAfter: 5
    })
  })
}

/** The embedded storage with a project's limit on the limits of buckets. */
async function startLimited(t: Test, limit: number) {
  const { url } = await startStorage(t)
  const project = { limit, requests: 0 }
  const limited = await listen(t, async (request, response) => {
    project.requests++
    const body = await text(request)
    const wanted = request.url?.startsWith('/storage/v1/bucket') && body ? JSON.parse(body) : {}
    if (wanted.file_size_limit > project.limit) {
      const refusal = {
        statusCode: '413',
        error: 'Payload too large',
        message: 'The object exceeded the maximum allowed size'
      }
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(refusal))
      return
    }
    const { method = 'GET', headers } = request
    const answer = await fetch(`${url}${request.url}`, {
      method,
      headers: {
        authorization: headers.authorization ?? '',
        ...(body && { 'content-type': 'application/json' })
      },
      ...(body && { body })
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  const admin = new StorageClient(`${url}/storage/v1`, {
    apikey: SERVICE_KEY,
    authorization: `Bearer ${SERVICE_KEY}`
  })
  const limitOf = async (name: string) => (await admin.getBucket(name)).data?.file_size_limit
  return { url: limited, project, admin, limitOf }
}

t.test('buckets are made with what the project allows, and the mismatch is named', async (t) => {
  for (const limit of [50 * MB, 50_000_000, 99 * MB]) {
    const { url, limitOf, project } = await startLimited(t, limit)
    const storage = connect(t, url, { maxRecordingBytes: 100 * MB })
    const [fault, ...others] = await storage.ensureBuckets()
    t.match(fault, { code: 'bucket_limit_low', message: /MAX_RECORDING_BYTES \(104857600\)/ })
    t.strictSame(
      others.map(({ code }) => code),
      ['bucket_limit_low'],
      'the staging bucket, too'
    )
    for (const name of ['songs', 'songs-staging']) {
      t.equal(await limitOf(name), limit)
    }
    t.ok(project.requests < 70, `${project.requests} requests`)

    project.requests = 0
    t.strictSame((await storage.ensureBuckets()).length, 2)
    t.ok(project.requests <= 4, 'later looks do not search again')
    project.limit = 100 * MB
    t.match(await storage.ensureBuckets(), { length: 1 })
    t.equal(
      await limitOf('songs-staging'),
      100 * MB,
      'the limit of the staging bucket follows that of the project'
    )
  }
})

t.test('a project that allows hardly anything gets no bucket', async (t) => {
  const { url, limitOf } = await startLimited(t, 1000)
  await t.rejects(connect(t, url).ensureBuckets(), { cause: { code: 'bucket_limit_low' } })
  t.equal(await limitOf('songs'), undefined)
})

t.test('an existing bucket stays as it is, and each mismatch is named', async (t) => {
  const { url, admin } = await startLimited(t, 500 * MB)
  await admin.createBucket('songs', { public: false, fileSizeLimit: 10 * MB, allowedMimeTypes: ['audio/*'] })
  const faults = await connect(t, url).ensureBuckets()
  t.match(faults, [
    { code: 'bucket_access_mismatch', message: /is private.*npm run recordings:access/ },
    {
      code: 'bucket_limit_low',
      message: /at most 10485760 bytes, which is less than MAX_RECORDING_BYTES \(52428800\)/
    }
  ])
  t.match((await admin.getBucket('songs')).data, {
    public: false,
    file_size_limit: 10 * MB,
    allowed_mime_types: ['audio/*']
  })
})

t.test("a bucket without a limit is judged by the project's limit and stays as it is", async (t) => {
  const { url, admin, limitOf, project } = await startLimited(t, 20 * MB)
  await admin.createBucket('songs', { public: true })
  await admin.createBucket('songs-staging', { public: false })
  const storage = connect(t, url)
  t.match(await storage.ensureBuckets(), [{ code: 'bucket_limit_low' }, { code: 'bucket_limit_low' }])
  project.limit = 50 * MB
  t.strictSame(await storage.ensureBuckets(), [])
  t.equal(await limitOf('songs'), null)
})

t.test('a bucket that refuses formats, and a public staging bucket, are named', async (t) => {
  const { url, admin } = await startLimited(t, 50 * MB)
  await admin.createBucket('songs', { public: true, allowedMimeTypes: ['audio/webm'] })
  await admin.createBucket('songs-staging', { public: true })
  const storage = connect(t, url)
  t.match(await storage.ensureBucket(), [{ code: 'bucket_types_refused', message: /audio\/mpeg/ }])
  await t.rejects(storage.ensureBuckets(), { cause: { code: 'staging_public' } })
})
