import { Readable } from 'node:stream'
import { StorageClient } from '@supabase/storage-js'
import t, { type Test } from 'tap'
import { startObjectStorage } from '../../src/dev/object-storage.ts'
import {
  embeddedOnly,
  headers,
  isEmbedded,
  isStorageError,
  publicUrl,
  start,
  startWithBucket,
  text,
  webm
} from '../helpers/object-storage.ts'

const HOUR = 3600
const privateBucket = { public: false }

// A client without the service key, as in a browser.
function clientWithoutKey(url: string) {
  return new StorageClient(`${url}/storage/v1`).from('songs')
}

async function isRefused(t: Test, response: Response, expected: { error: string; message?: string }) {
  t.equal(response.status, 400)
  t.match(await response.json(), { statusCode: '400', code: expected.error, ...expected })
}

function later(t: Test, seconds: number) {
  const realNow = Date.now
  t.capture(Date, 'now', () => realNow() + seconds * 1000)
}

const tampered = (token: string) => token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA')
const tokenOf = (url: string | undefined) => `${new URL(`${url}`).searchParams.get('token')}`
const claimsOf = (token: string) => JSON.parse(Buffer.from(`${token.split('.')[1]}`, 'base64url').toString())

t.test('a signed URL is readable without a key, from a private and a public bucket', async (t) => {
  const { client, songs } = await startWithBucket(t, privateBucket)
  const keys = ['u/s.webm', "a b/!-.*'()&$@=;:+,c_"]
  for (const key of keys) await songs.upload(key, 'sound', webm)
  for (const isPublic of [false, true]) {
    await client.updateBucket('songs', { public: isPublic })
    for (const key of keys) {
      const { data, error } = await songs.createSignedUrl(key, HOUR)
      t.equal(error, null)
      t.equal(await (await fetch(`${data?.signedUrl}`)).text(), 'sound', key)
    }
  }
})

t.test(
  'a signed URL supports ranges, conditional requests and HEAD, and is cacheable until it expires',
  async (t) => {
    const { songs } = await startWithBucket(t, privateBucket)
    await songs.upload('a.webm', '0123456789', { ...webm, cacheControl: '60' })
    const url = `${(await songs.createSignedUrl('a.webm', HOUR)).data?.signedUrl}`
    const whole = await fetch(url)
    t.equal(await whole.text(), '0123456789')
    t.match(Object.fromEntries(whole.headers), {
      'content-type': 'audio/webm',
      'content-length': '10',
      'accept-ranges': 'bytes',
      etag: /^"[0-9a-f]{32}"$/
    })
    t.equal(Date.parse(`${whole.headers.get('expires')}`), claimsOf(tokenOf(url)).exp * 1000)
    t.equal(whole.headers.get('cache-control'), null)

    const range = await fetch(url, { headers: { range: 'bytes=2-4' } })
    t.match(
      [range.status, range.headers.get('content-range'), await range.text()],
      [206, 'bytes 2-4/10', '234']
    )
    t.equal((await fetch(url, { headers: { range: 'bytes=10-' } })).status, 416)
    t.equal((await fetch(url, { headers: { 'if-none-match': `${whole.headers.get('etag')}` } })).status, 304)
    const head = await fetch(url, { method: 'HEAD' })
    t.match([head.status, head.headers.get('content-length')], [200, '10'])
  }
)

t.test('a signed URL can answer as an attachment', async (t) => {
  const { songs } = await startWithBucket(t, privateBucket)
  await songs.upload('a.webm', 'sound', webm)
  const dispositionOf = async (download: string | boolean) => {
    const [one, [many]] = [
      await songs.createSignedUrl('a.webm', HOUR, { download }),
      (await songs.createSignedUrls(['a.webm'], HOUR, { download })).data ?? []
    ]
    const both = await Promise.all(
      [one.data?.signedUrl, many?.signedUrl].map(async (url) =>
        (await fetch(`${url}`)).headers.get('content-disposition')
      )
    )
    t.equal(both[0], both[1])
    return both[0]
  }
  t.equal(await dispositionOf(true), 'attachment;')
  t.equal(
    await dispositionOf('take 1.webm'),
    "attachment; filename=take%201.webm; filename*=UTF-8''take%201.webm"
  )
})

t.test('one call signs many paths, and returns a URL or an error for each', async (t) => {
  const { client, songs } = await startWithBucket(t, privateBucket)
  await songs.upload('u/a.webm', 'a', webm)
  await songs.upload('u/b.webm', 'b', webm)
  const { data } = await songs.createSignedUrls(['u/a.webm', 'none', 'u/b.webm', '../u/a.webm'], HOUR)
  const missing = {
    error: 'Either the object does not exist or you do not have access to it',
    signedURL: null,
    signedUrl: null
  }
  t.match(data, [
    { path: 'u/a.webm', error: null },
    { path: 'none', ...missing },
    { path: 'u/b.webm', error: null },
    { path: '../u/a.webm', ...missing }
  ])
  const bodies = await Promise.all([0, 2].map(async (i) => (await fetch(`${data?.[i]?.signedUrl}`)).text()))
  t.strictSame(bodies, ['a', 'b'])
  t.match((await client.from('none').createSignedUrls(['a'], HOUR)).data, [missing])

  const many = (count: number) => Array.from({ length: count }, (_, i) => `none/${i}`)
  t.equal((await songs.createSignedUrls(many(1000), HOUR)).data?.length, 1000)
  t.match((await songs.createSignedUrls(many(1001), HOUR)).error, {
    status: 400,
    message: 'body/paths must NOT have more than 1000 items'
  })
})

t.test('only existing objects are signed, and for at least one second', async (t) => {
  const { client, songs } = await startWithBucket(t)
  await songs.upload('a.webm', 'x')
  isStorageError(t, (await songs.createSignedUrl('none', HOUR)).error, '404')
  isStorageError(t, (await client.from('none').createSignedUrl('a.webm', HOUR)).error, '404')
  isStorageError(t, (await songs.createSignedUrl('ü', HOUR)).error, '400')
  isStorageError(t, (await songs.createSignedUrl('a.webm', 0)).error, '400')
  isStorageError(t, (await songs.createSignedUrls(['a.webm'], 0.5)).error, '400')
})

t.test('signing and moving require the service key', async (t) => {
  const { url, songs } = await startWithBucket(t)
  await songs.upload('a.webm', 'x')
  for (const call of [
    clientWithoutKey(url).createSignedUrl('a.webm', HOUR),
    clientWithoutKey(url).createSignedUrls(['a.webm'], HOUR),
    clientWithoutKey(url).createSignedUploadUrl('b.webm'),
    clientWithoutKey(url).move('a.webm', 'b.webm')
  ]) {
    isStorageError(t, (await call).error, '400')
  }
})

t.test('a signed URL is valid for its object only, unmodified and until it expires', async (t) => {
  const { songs, api } = await startWithBucket(t, privateBucket)
  await songs.upload('a.webm', 'a', webm)
  await songs.upload('b.webm', 'b', webm)
  const token = tokenOf((await songs.createSignedUrl('a.webm', HOUR)).data?.signedUrl)
  const upload = tokenOf((await songs.createSignedUploadUrl('a.webm', { upsert: true })).data?.signedUrl)
  const get = (key: string, token: string) =>
    fetch(publicUrl(songs, key).replace('/public/', '/sign/') + `?token=${token}`)

  t.equal((await get('a.webm', token)).status, 200)
  await isRefused(t, await get('b.webm', token), { error: 'InvalidSignature', message: 'Invalid signature' })
  await isRefused(t, await get('a.webm', upload), {
    error: 'InvalidSignature',
    message: 'Token is not scoped for download'
  })
  await isRefused(t, await get('a.webm', tampered(token)), {
    error: 'InvalidJWT',
    message: 'signature verification failed'
  })
  await isRefused(t, await get('a.webm', 'none'), { error: 'InvalidJWT', message: 'Invalid Compact JWS' })
  const unsigned = [{ alg: 'none' }, claimsOf(token)]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  await isRefused(t, await get('a.webm', `${unsigned}.`), { error: 'InvalidJWT' })
  const withKey = await api('/object/sign/songs/a.webm')
  t.match(
    [withKey.status, await withKey.json()],
    [400, { statusCode: '400', message: "querystring must have required property 'token'" }]
  )

  await songs.remove(['a.webm'])
  t.match(await (await get('a.webm', token)).json(), { statusCode: '404', code: 'NoSuchKey' })
  await songs.upload('a.webm', 'again', webm)
  t.equal((await get('a.webm', token)).status, 200)
  if (!isEmbedded) return
  later(t, HOUR + 1)
  await isRefused(t, await get('a.webm', token), {
    error: 'InvalidJWT',
    message: '"exp" claim timestamp check failed'
  })
})

t.test('a signed upload accepts every type of body that storage-js sends', async (t) => {
  const { songs, url } = await startWithBucket(t, privateBucket)
  const form = new FormData()
  form.append('', new Blob(['sound'], { type: 'audio/webm' }))
  const bodies = {
    buffer: Buffer.from('sound'),
    string: 'sound',
    node: Readable.from([Buffer.from('so'), Buffer.from('und')]),
    web: new Blob(['sound']).stream(),
    blob: new Blob(['sound'], { type: 'audio/webm' }),
    file: new File(['sound'], 'take 1.webm', { type: 'audio/webm' }),
    form
  }
  for (const [key, body] of Object.entries(bodies)) {
    const { data } = await songs.createSignedUploadUrl(`u/${key}`)
    t.equal(data?.path, `u/${key}`)
    const result = await clientWithoutKey(url).uploadToSignedUrl(`${data?.path}`, `${data?.token}`, body, {
      ...webm,
      cacheControl: '60',
      metadata: { take: 2 }
    })
    t.strictSame(result, { data: { path: `u/${key}`, fullPath: `songs/u/${key}` }, error: null })
    t.equal(await text((await songs.download(`u/${key}`)).data), 'sound', key)
    t.match((await songs.info(`u/${key}`)).data, {
      size: 5,
      contentType: 'audio/webm',
      cacheControl: 'max-age=60',
      metadata: { take: 2 }
    })
  }
})

t.test('a plain PUT to a signed upload URL stores the object', async (t) => {
  const { songs } = await startWithBucket(t, privateBucket)
  const { data } = await songs.createSignedUploadUrl('a b.webm')
  const response = await fetch(`${data?.signedUrl}`, {
    method: 'PUT',
    body: 'sound',
    headers: { 'content-type': 'audio/webm' }
  })
  t.strictSame([response.status, await response.json()], [200, { Key: 'songs/a b.webm' }])
  t.equal(await text((await songs.download('a b.webm')).data), 'sound')
})

t.test('a signed upload replaces an object only if its token was signed with upsert', async (t) => {
  const { client, songs, url } = await startWithBucket(t)
  const { token } = (await songs.createSignedUploadUrl('a.webm')).data!
  const put = (token: string, body: string, options = webm) =>
    clientWithoutKey(url).uploadToSignedUrl('a.webm', token, body, options)
  t.equal((await put(token, 'one')).error, null)
  isStorageError(t, (await put(token, 'two', { ...webm, upsert: true } as typeof webm)).error, '409')
  isStorageError(t, (await songs.createSignedUploadUrl('a.webm')).error, '409')
  t.equal(await text((await songs.download('a.webm')).data), 'one')

  const replacing = (await songs.createSignedUploadUrl('a.webm', { upsert: true })).data!
  t.equal((await put(replacing.token, 'three')).error, null)
  t.equal(await text((await songs.download('a.webm')).data), 'three')

  await songs.remove(['a.webm'])
  t.equal(
    (await put(token, 'four')).error,
    null,
    'the first token is valid again after the object was removed'
  )
  isStorageError(t, (await client.from('none').createSignedUploadUrl('a.webm')).error, '404')
})

t.test('a signed upload URL is valid for its object only, unmodified and for two hours', async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('read.webm', 'x')
  const { signedUrl, token } = (await songs.createSignedUploadUrl('a.webm')).data!
  const readToken = tokenOf((await songs.createSignedUrl('read.webm', HOUR)).data?.signedUrl)
  const put = (url: string) => fetch(url, { method: 'PUT', body: 'y', headers })
  const elsewhere = (key: string, token: string) =>
    put(signedUrl.replace(/a\.webm.*/, `${key}?token=${token}`))

  await isRefused(t, await elsewhere('b.webm', token), {
    error: 'InvalidSignature',
    message: 'Invalid signature'
  })
  await isRefused(t, await elsewhere('read.webm', readToken), {
    error: 'InvalidSignature',
    message: 'Token is not scoped for upload'
  })
  await isRefused(t, await elsewhere('a.webm', tampered(token)), { error: 'InvalidJWT' })
  t.match((await elsewhere('a.webm', '')).status, 400)
  t.match(claimsOf(token), { url: 'songs/a.webm', upsert: false })
  t.strictSame(
    (await songs.list()).data?.map((row) => row.name),
    ['read.webm']
  )

  if (!isEmbedded) return
  later(t, 2 * HOUR - 10)
  t.equal((await put(signedUrl)).status, 200)
  await songs.remove(['a.webm'])
  later(t, 20)
  await isRefused(t, await put(signedUrl), {
    error: 'InvalidJWT',
    message: '"exp" claim timestamp check failed'
  })
})

t.test("the bucket's limits and the rules for keys apply to signed uploads", async (t) => {
  const { songs, url, expectFiles } = await startWithBucket(t, {
    public: false,
    fileSizeLimit: 5,
    allowedMimeTypes: ['audio/*']
  })
  const { token } = (await songs.createSignedUploadUrl('a')).data!
  const put = (body: Blob | string, contentType: string) =>
    clientWithoutKey(url).uploadToSignedUrl('a', token, body, { contentType })
  const large = new Blob(['x'.repeat(6)], { type: 'audio/webm' })
  isStorageError(t, (await put('x'.repeat(6), 'audio/webm')).error, '413')
  isStorageError(t, (await put(large, '')).error, '413')
  isStorageError(t, (await put('x', 'video/webm')).error, '415')
  isStorageError(t, (await put(new Blob(['x'], { type: 'video/webm' }), '')).error, '415')
  t.equal((await put(large.slice(0, 5, 'audio/webm'), '')).error, null)

  const odd = (await songs.createSignedUploadUrl('ü')).data!
  isStorageError(t, (await clientWithoutKey(url).uploadToSignedUrl('ü', odd.token, 'x', webm)).error, '400')
  expectFiles(t, 1)
})

t.test('signed URLs survive a restart, but not a change of the service key', embeddedOnly, async (t) => {
  const { songs, close, directory, url } = await startWithBucket(t, privateBucket)
  await songs.upload('a.webm', 'sound', webm)
  const [download, upload] = [
    (await songs.createSignedUrl('a.webm', HOUR)).data!,
    (await songs.createSignedUploadUrl('b.webm')).data!
  ]
  await close()
  const again = await start(t, directory)
  const moved = (signedUrl: string) => signedUrl.replace(url, again.url)
  t.equal(await (await fetch(moved(download.signedUrl))).text(), 'sound')
  t.equal((await fetch(moved(upload.signedUrl), { method: 'PUT', body: 'x' })).status, 200)

  await again.close()
  const other = await startObjectStorage({ directory, serviceKey: 'another' })
  t.teardown(other.close)
  await isRefused(t, await fetch(download.signedUrl.replace(url, other.url)), { error: 'InvalidJWT' })
})

t.test(
  'a page of another origin may upload to a signed URL, and download from one',
  embeddedOnly,
  async (t) => {
    const { songs } = await startWithBucket(t, privateBucket)
    const { signedUrl } = (await songs.createSignedUploadUrl('a.webm')).data!
    const origin = { origin: 'http://localhost:5173' }
    const sent = 'apikey,authorization,cache-control,content-type,x-client-info,x-metadata,x-upsert'
    const preflight = await fetch(signedUrl, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': sent }
    })
    t.equal(preflight.status, 204)
    t.match(Object.fromEntries(preflight.headers), {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': sent,
      'access-control-allow-methods': /\*|PUT/
    })

    const put = () => fetch(signedUrl, { method: 'PUT', body: 'sound', headers: origin })
    const [first, second] = [await put(), await put()]
    t.match([first.status, second.status], [200, 400])
    const { data } = await songs.createSignedUrl('a.webm', HOUR)
    const read = await fetch(`${data?.signedUrl}`, { headers: { ...origin, range: 'bytes=0-1' } })
    for (const response of [first, second, read]) {
      t.equal(response.headers.get('access-control-allow-origin'), '*', 'errors are readable too')
    }
  }
)
