import t, { type Test } from 'tap'
import { embeddedOnly, headers, isEmbedded, start, startWithBucket, text } from '../helpers/object-storage.ts'
import { createTus } from '../helpers/tus.ts'

const SOUND = Buffer.from('the sound of a piano')
const PRIVATE = { public: false }
const isRefused = async (t: Test, response: Response, status: number, body: RegExp | string) =>
  t.match([response.status, await response.text()], [status, body])

const metadata = (objectName: string, more: Record<string, string> = {}) => ({
  bucketName: 'songs',
  objectName,
  contentType: 'audio/webm',
  cacheControl: '60',
  ...more
})

type Storage = Awaited<ReturnType<typeof startWithBucket>>

async function signed({ songs, url }: Storage, key: string) {
  const { token } = (await songs.createSignedUploadUrl(key)).data!
  return createTus(`${url}/storage/v1/upload/resumable/sign`, { 'x-signature': token })
}

async function begun(tus: ReturnType<typeof createTus>, key: string): Promise<string> {
  const created = await tus.create(SOUND.length, metadata(key))
  return `${created.headers.get('location')}`
}

t.test('a signed upload arrives in pieces, and is an object only when it is complete', async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const tus = await signed(storage, 'u/a.webm')
  const created = await tus.create(SOUND.length, metadata('u/a.webm', { metadata: '{"take":2}' }))
  t.equal(created.status, 201)
  const url = `${created.headers.get('location')}`
  t.ok(url.startsWith(`${storage.url}/storage/v1/upload/resumable/sign/`), url)

  const first = await tus.append(url, 0, SOUND.subarray(0, 8))
  t.match([first.status, first.headers.get('upload-offset')], [204, '8'])
  t.equal((await storage.songs.exists('u/a.webm')).data, false)
  t.strictSame((await storage.songs.list('u')).data, [])
  const head = await tus.offset(url)
  t.match(
    [head.status, head.headers.get('upload-offset'), head.headers.get('upload-length')],
    [200, '8', '20']
  )

  const last = await tus.append(url, 8, SOUND.subarray(8))
  t.match([last.status, last.headers.get('tus-complete')], [204, '1'])
  t.equal(await text((await storage.songs.download('u/a.webm')).data), String(SOUND))
  t.match((await storage.songs.info('u/a.webm')).data, {
    size: SOUND.length,
    contentType: 'audio/webm',
    cacheControl: 'max-age=60',
    metadata: { take: 2 }
  })
})

t.test('every request needs the token of the same object', async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const [tus, other] = [await signed(storage, 'a.webm'), await signed(storage, 'b.webm')]
  const url = await begun(tus, 'a.webm')
  const endpoint = `${storage.url}/storage/v1/upload/resumable/sign`
  const without = createTus(endpoint, {})
  const tampered = createTus(endpoint, { 'x-signature': 'none' })
  await isRefused(t, await without.create(1, metadata('a.webm')), 400, 'Missing x-signature header')
  await isRefused(t, await other.create(1, metadata('a.webm')), 400, 'Invalid signature')
  await isRefused(t, await tampered.create(1, metadata('a.webm')), 400, 'Invalid Compact JWS')
  for (const client of [without, other, tampered]) {
    t.equal((await client.offset(url)).status, 400)
    t.equal((await client.append(url, 0, SOUND)).status, 400)
  }
  t.equal((await tus.append(url, 0, SOUND)).status, 204)
})

t.test('a wrong offset and an unknown upload are refused, and an ended one is gone', async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const tus = await signed(storage, 'a.webm')
  const url = await begun(tus, 'a.webm')
  await isRefused(t, await tus.append(url, 5, SOUND), 409, /offset/i)
  t.equal((await tus.append(url, 0, SOUND)).status, 204)
  if (!isEmbedded) return
  await isRefused(t, await tus.append(url, SOUND.length, Buffer.from('!')), 410, /./)
  t.equal((await tus.offset(url)).status, 410)
})

t.test('the limits of the bucket and the rules for keys apply before any byte is sent', async (t) => {
  const storage = await startWithBucket(t, {
    public: false,
    fileSizeLimit: 20,
    allowedMimeTypes: ['audio/*']
  })
  const tus = await signed(storage, 'a.webm')
  await isRefused(t, await tus.create(21, metadata('a.webm')), 413, /./)
  await isRefused(
    t,
    await tus.create(20, metadata('a.webm', { contentType: 'video/webm' })),
    415,
    'video/webm'
  )
  await isRefused(t, await tus.create(20, metadata('ü')), 400, /Invalid key/)
  await isRefused(
    t,
    await tus.create(20, metadata('a.webm', { bucketName: 'none' })),
    404,
    'Bucket not found'
  )
  t.equal((await tus.create(20, metadata('a.webm'))).status, 201)
})

t.test('the service key uploads without a token, and replaces an object only with upsert', async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const tus = createTus(`${storage.url}/storage/v1/upload/resumable`, {
    authorization: headers.authorization
  })
  const url = await begun(tus, 'a.webm')
  t.match(url, /\/upload\/resumable\/[^/]+$/)
  t.equal((await tus.append(url, 0, SOUND)).status, 204)
  t.equal(await text((await storage.songs.download('a.webm')).data), String(SOUND))
  await isRefused(t, await tus.create(1, metadata('a.webm')), 409, 'The resource already exists')
  t.equal((await tus.create(1, metadata('a.webm'), { 'x-upsert': 'true' })).status, 201)
  const stranger = createTus(`${storage.url}/storage/v1/upload/resumable`, {})
  t.equal((await stranger.create(1, metadata('b.webm'))).status, 400)
  t.ok((await stranger.append(url, 0, SOUND)).status >= 400)
})

t.test('an upload goes on after a restart', embeddedOnly, async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const tus = await signed(storage, 'a.webm')
  const [url, ended] = [await begun(tus, 'a.webm'), await begun(tus, 'a.webm')]
  await tus.append(url, 0, SOUND.subarray(0, 8))
  await tus.append(ended, 0, SOUND)
  await storage.client.from('songs').remove(['a.webm'])
  await storage.close()
  const again = await start(t, storage.directory)
  const moved = (url: string) => url.replace(storage.url, again.url)
  t.equal((await tus.offset(moved(url))).headers.get('upload-offset'), '8')
  t.equal((await tus.append(moved(url), 8, SOUND.subarray(8))).headers.get('tus-complete'), '1')
  t.equal(await text((await again.client.from('songs').download('a.webm')).data), String(SOUND))
  t.equal((await tus.offset(moved(ended))).status, 404, 'what is left of ended uploads is deleted')
})

t.test('a page of another origin may upload', embeddedOnly, async (t) => {
  const storage = await startWithBucket(t, PRIVATE)
  const { token } = (await storage.songs.createSignedUploadUrl('a.webm')).data!
  const preflight = await fetch(`${storage.url}/storage/v1/upload/resumable/sign`, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'tus-resumable,upload-length,upload-metadata,x-signature'
    }
  })
  t.match(Object.fromEntries(preflight.headers), {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': /x-signature/
  })
  const tus = createTus(`${storage.url}/storage/v1/upload/resumable/sign`, {
    'x-signature': token,
    origin: 'http://localhost:5173'
  })
  const created = await tus.create(SOUND.length, metadata('a.webm'))
  t.match(Object.fromEntries(created.headers), {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': /Location.*Upload-Offset/
  })
})
