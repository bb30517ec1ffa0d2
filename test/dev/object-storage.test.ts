import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { StorageClient } from '@supabase/storage-js'
import t from 'tap'
import { startObjectStorage } from '../../src/dev/object-storage.ts'
import {
  differs,
  embeddedOnly,
  headers,
  isStorageError,
  publicUrl,
  start,
  startWithBucket,
  text,
  webm
} from '../helpers/object-storage.ts'

// Sends the headers and the start of a body. The caller ends the request.
function openUpload(url: string, more: Record<string, string | number>) {
  const request = httpRequest(`${url}/storage/v1/object/songs/open.webm`, {
    method: 'POST',
    headers: { ...headers, ...more }
  })
  request.on('error', () => {})
  request.write('the first bytes')
  return request
}

async function until(condition: () => boolean) {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(10)
  return condition()
}

t.test('a bucket can be created, read, listed, changed, emptied and deleted', async (t) => {
  const { client, expectFiles } = await start(t)
  const created = await client.createBucket('songs', {
    public: true,
    fileSizeLimit: '50MB',
    allowedMimeTypes: ['audio/*']
  })
  t.strictSame(created, { data: { name: 'songs' }, error: null })
  const expected = {
    id: 'songs',
    name: 'songs',
    public: true,
    file_size_limit: 50_000_000,
    allowed_mime_types: ['audio/*']
  }
  t.match((await client.getBucket('songs')).data, expected)
  t.match((await client.listBuckets()).data, [expected])

  t.strictSame((await client.updateBucket('songs', { public: false, fileSizeLimit: 10 })).data, {
    message: 'Successfully updated'
  })
  t.match(
    (await client.getBucket('songs')).data,
    { public: false, file_size_limit: 10, allowed_mime_types: ['audio/*'] },
    'options that were not sent are unchanged'
  )
  await client.updateBucket('songs', { public: false, fileSizeLimit: null, allowedMimeTypes: null })
  t.match((await client.getBucket('songs')).data, { file_size_limit: null, allowed_mime_types: null })

  await client.from('songs').upload('a.webm', 'x', webm)
  isStorageError(t, (await client.deleteBucket('songs')).error, '409')
  t.strictSame((await client.emptyBucket('songs')).data, {
    message: 'Empty bucket has been queued. Completion may take up to an hour.'
  })
  expectFiles(t, 0)
  t.strictSame((await client.deleteBucket('songs')).data, { message: 'Successfully deleted' })
  t.strictSame((await client.listBuckets()).data, [])
})

t.test('an invalid or missing bucket gets the error of the real server', async (t) => {
  const { client, api } = await startWithBucket(t)
  isStorageError(t, (await client.createBucket('songs')).error, '409')
  const again = await api('/bucket', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{"name":"songs"}'
  })
  t.equal(again.status, 400)
  t.strictSame(await again.json(), {
    statusCode: '409',
    error: 'Duplicate',
    message: 'The resource already exists',
    code: 'BucketAlreadyExists'
  })
  isStorageError(t, (await client.createBucket('a/b')).error, '400')
  isStorageError(
    t,
    (await client.createBucket('sized', { public: true, fileSizeLimit: 'huge' })).error,
    '400'
  )
  isStorageError(
    t,
    (await client.createBucket('typed', { public: true, allowedMimeTypes: ['audio'] })).error,
    '415'
  )
  for (const call of [
    client.getBucket('none'),
    client.updateBucket('none', { public: true }),
    client.emptyBucket('none'),
    client.deleteBucket('none')
  ]) {
    isStorageError(t, (await call).error, '404')
  }
})

t.test('only the service key is accepted', async (t) => {
  const { url, api } = await startWithBucket(t)
  const wrong = new StorageClient(`${url}/storage/v1`, { apikey: 'wrong', Authorization: 'Bearer wrong' })
  isStorageError(t, (await wrong.listBuckets()).error, '403')
  isStorageError(t, (await wrong.from('songs').upload('a.webm', 'x')).error, '403')
  t.equal((await api('/bucket', { headers: { authorization: headers.authorization } })).status, 200)
  const incomplete: Array<Record<string, string>> = [{}, { apikey: headers.apikey }]
  for (const sent of incomplete) {
    const none = await api('/bucket', { headers: sent })
    t.match(
      [none.status, await none.json()],
      [400, { statusCode: '400', message: "headers must have required property 'authorization'" }]
    )
  }
})

t.test(
  'an uploaded object is readable with the service key, and without it under its public URL',
  async (t) => {
    const { songs } = await startWithBucket(t)
    const { data, error } = await songs.upload('u/s.webm', Buffer.from('sound'), {
      contentType: 'audio/webm',
      cacheControl: '60'
    })
    t.equal(error, null)
    t.match(data, { path: 'u/s.webm', fullPath: 'songs/u/s.webm', id: /^[0-9a-f-]{36}$/ })
    t.equal(await text((await songs.download('u/s.webm')).data), 'sound')

    const response = await fetch(publicUrl(songs, 'u/s.webm'))
    t.equal(await response.text(), 'sound')
    t.match(Object.fromEntries(response.headers), {
      'content-type': 'audio/webm',
      'cache-control': 'max-age=60',
      'content-length': '5',
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
      etag: /^"[0-9a-f]{32}"$/
    })
  }
)

t.test('strings, streams, Blobs and an empty body can be uploaded', async (t) => {
  const { songs } = await startWithBucket(t)
  const bodies = {
    string: 'sound',
    node: Readable.from([Buffer.from('so'), Buffer.from('und')]),
    web: new Blob(['sound']).stream(),
    blob: new Blob(['sound'], { type: 'audio/webm' })
  }
  for (const [key, body] of Object.entries(bodies)) {
    t.equal(
      (await songs.upload(key, body, { ...webm, cacheControl: '60', metadata: { take: 2 } })).error,
      null
    )
    t.equal(await text((await songs.download(key)).data), 'sound', key)
    t.match((await songs.info(key)).data, {
      size: 5,
      contentType: 'audio/webm',
      cacheControl: 'max-age=60',
      metadata: { take: 2 }
    })
  }
  t.equal((await songs.upload('empty', '')).error, null)
  t.match((await songs.info('empty')).data, { size: 0, contentType: 'text/plain;charset=UTF-8' })
})

t.test('an upload replaces an object only with upsert, and the object keeps its id', async (t) => {
  const { songs, expectFiles } = await startWithBucket(t)
  const first = await songs.upload('a.webm', 'one', webm)
  const again = await songs.upload('a.webm', 'two', webm)
  isStorageError(t, again.error, '409')
  t.equal(await text((await songs.download('a.webm')).data), 'one')

  const replaced = await songs.upload('a.webm', 'three', { ...webm, upsert: true })
  t.equal(replaced.data?.id, first.data?.id)
  t.equal(await text((await songs.download('a.webm')).data), 'three')
  t.equal((await songs.update('a.webm', 'four', webm)).error, null)
  t.equal(await text((await songs.download('a.webm')).data), 'four')
  t.equal((await songs.update('new.webm', 'five', webm)).error, null, 'PUT also creates an object')
  expectFiles(t, 2, 'the files of the replaced versions are deleted')
})

t.test('parallel uploads to one key store the complete body of one of them', async (t) => {
  const { songs, expectFiles } = await startWithBucket(t)
  const bodies = Array.from({ length: 8 }, (_, i) => String(i).repeat(200_000))
  const results = await Promise.all(
    bodies.map((body) => songs.upload('a.webm', body, { ...webm, upsert: true }))
  )
  t.ok(results.every((result) => result.error === null))
  t.ok(bodies.includes(`${await text((await songs.download('a.webm')).data)}`))
  expectFiles(t, 1)
})

const one = differs('a server answers 500 now and then while an object is replaced')

t.test('a download during uploads returns one version, complete and with its length', one, async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('a.webm', 'a'.repeat(300_000), webm)
  const write = async () => {
    for (const letter of 'bcdefgh') {
      await songs.update('a.webm', letter.repeat(100_000 + letter.charCodeAt(0) * 1000), webm)
    }
  }
  const read = async () => {
    for (let i = 0; i < 20; i++) {
      const response = await fetch(publicUrl(songs, 'a.webm'))
      const body = await response.text()
      if (new Set(body).size !== 1 || body.length !== Number(response.headers.get('content-length'))) {
        return false
      }
    }
    return true
  }
  t.strictSame(await Promise.all([read(), read(), write()]), [true, true, undefined])
})

t.test('the size limit applies to uploads with a known size, not to chunked ones', async (t) => {
  const { songs, expectFiles } = await startWithBucket(t, { public: true, fileSizeLimit: 10 })
  t.equal((await songs.upload('fits', 'x'.repeat(10))).error, null)
  isStorageError(t, (await songs.upload('big', 'x'.repeat(11))).error, '413')
  isStorageError(t, (await songs.upload('huge', Buffer.alloc(5_000_000))).error, '413')
  isStorageError(t, (await songs.upload('blob', new Blob(['x'.repeat(11)]))).error, '413')
  const chunks = () => Readable.from([Buffer.alloc(11)])
  isStorageError(
    t,
    (await songs.upload('sized', chunks(), { headers: { 'content-length': '11' } })).error,
    '413'
  )
  t.equal((await songs.upload('chunked', chunks())).error, null)
  expectFiles(t, 2)
})

t.test('no bucket and no file may be larger than the project allows', async (t) => {
  const { client, songs } = await startWithBucket(t)
  const limit = 500 * 1024 ** 3
  isStorageError(t, (await client.createBucket('sized', { public: true, fileSizeLimit: limit })).error, '413')
  isStorageError(t, (await client.createBucket('songs', { public: true, fileSizeLimit: limit })).error, '413')
  isStorageError(t, (await client.updateBucket('songs', { public: true, fileSizeLimit: limit })).error, '413')
  t.equal((await client.getBucket('songs')).data?.file_size_limit, null)
  t.equal((await songs.upload('a.webm', 'x')).error, null)
})

t.test('without a limit of its own, a bucket has that of the project', embeddedOnly, async (t) => {
  const directory = t.testdir({})
  const { url, close } = await startObjectStorage({ directory, serviceKey: headers.apikey, maxFileSize: 10 })
  t.teardown(close)
  const client = new StorageClient(`${url}/storage/v1`, headers)
  await client.createBucket('songs')
  isStorageError(t, (await client.from('songs').upload('a', 'x'.repeat(11))).error, '413')
  t.equal((await client.from('songs').upload('a', 'x'.repeat(10))).error, null)
})

t.test('a content type with parameters matches an allowed type only by a wildcard', async (t) => {
  const { client, songs } = await startWithBucket(t, { public: true, allowedMimeTypes: ['audio/*'] })
  t.equal((await songs.upload('a', 'x', { contentType: 'audio/webm;codecs=opus' })).error, null)
  isStorageError(t, (await songs.upload('b', 'x', { contentType: 'video/webm' })).error, '415')
  await client.updateBucket('songs', { public: true, allowedMimeTypes: ['audio/webm'] })
  t.equal((await songs.upload('c', 'x', { contentType: 'audio/webm' })).error, null)
  isStorageError(t, (await songs.upload('d', 'x', { contentType: 'audio/webm;codecs=opus' })).error, '415')
})

t.test('a missing bucket or object gets the status code 404 in a 400 response', async (t) => {
  const { client, songs, url } = await startWithBucket(t)
  isStorageError(t, (await client.from('none').upload('a.webm', 'x')).error, '404')
  isStorageError(t, (await songs.download('none')).error, '404')
  isStorageError(t, (await songs.info('none')).error, '404')
  t.equal((await songs.exists('none')).data, false)
  await songs.upload('a.webm', 'x')
  t.equal((await songs.exists('a.webm')).data, true)
  const response = await fetch(`${url}/storage/v1/object/public/songs/none`)
  t.match(
    [response.status, await response.json()],
    [400, { statusCode: '404', error: 'not_found', message: 'Object not found', code: 'NoSuchKey' }]
  )
})

t.test('an object of a private bucket is not readable under its public URL, only with the key', async (t) => {
  const { client, songs } = await startWithBucket(t, { public: false })
  await songs.upload('a.webm', 'sound', webm)
  const response = await fetch(publicUrl(songs, 'a.webm'))
  t.match([response.status, await response.json()], [400, { statusCode: '404', error: 'Bucket not found' }])
  t.equal(await text((await songs.download('a.webm')).data), 'sound')
  await client.updateBucket('songs', { public: true })
  t.equal((await fetch(publicUrl(songs, 'a.webm'))).status, 200)
})

t.test('a public URL supports ranges, conditional requests and HEAD', async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('a.webm', '0123456789', webm)
  const get = (headers: Record<string, string>, method = 'GET') =>
    fetch(publicUrl(songs, 'a.webm'), { headers, method })
  const ranges = {
    'bytes=2-4': '234',
    'bytes=7-': '789',
    'bytes=-3': '789',
    'bytes=8-99': '89',
    'bytes=-99': '0123456789'
  }
  for (const [range, expected] of Object.entries(ranges)) {
    const response = await get({ range })
    t.equal(response.status, 206)
    t.match(response.headers.get('content-range'), /^bytes \d-9\/10$|^bytes 2-4\/10$/)
    t.equal(response.headers.get('content-length'), `${expected.length}`)
    t.equal(await response.text(), expected, range)
  }
  for (const range of ['bytes=5-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'bytes=10-', 'bytes=-0']) {
    const response = await get({ range })
    t.match(
      [response.status, await response.json()],
      [416, { statusCode: '416', error: 'invalid_range', code: 'InvalidRange' }],
      range
    )
  }

  const head = await get({}, 'HEAD')
  t.match([head.status, head.headers.get('content-length'), await head.text()], [200, '10', ''])
  const etag = `${head.headers.get('etag')}`
  t.equal((await get({ 'if-none-match': etag })).status, 304)
  for (const tag of [`W/${etag}`, `"other", ${etag}`, '*', '"other"']) {
    const response = await get({ 'if-none-match': tag })
    t.equal(response.status, 200, `${tag} is compared as it stands`)
    t.match(response.headers.get('cache-control'), /, stale-while-revalidate=30$/)
  }
  t.equal((await get({ 'if-modified-since': new Date().toUTCString() })).status, 304)
  t.equal((await get({ range: 'bytes=0-1', 'if-range': etag })).status, 206)
  t.equal((await get({ range: 'bytes=0-1', 'if-range': '"other"' })).status, 206, 'If-Range is ignored')
})

const tagFirst = differs('a server on a file system answers 304')

t.test('If-None-Match counts before If-Modified-Since', tagFirst, async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('a.webm', 'x', webm)
  const response = await fetch(publicUrl(songs, 'a.webm'), {
    headers: { 'if-none-match': '"other"', 'if-modified-since': new Date().toUTCString() }
  })
  t.equal(response.status, 200)
})

t.test('a public URL can answer as an attachment, and never answers as HTML', async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('a.html', '<script>', { contentType: 'text/html' })
  const response = await fetch(songs.getPublicUrl('a.html', { download: 'ü.html' }).data.publicUrl)
  t.equal(response.headers.get('content-type'), 'text/plain')
  t.equal(
    response.headers.get('content-disposition'),
    "attachment; filename=%C3%BC.html; filename*=UTF-8''%C3%BC.html"
  )
})

t.test('remove returns only the objects that it removed', async (t) => {
  const { client, songs, expectFiles } = await startWithBucket(t)
  await songs.upload('u/a.webm', 'a', webm)
  await songs.upload('u/b.webm', 'b', webm)
  const { data } = await songs.remove(['u/a.webm', 'u/a.webm', 'none', '../u/b.webm'])
  t.equal(data?.length, 1)
  t.match(data, [{ name: 'u/a.webm', bucket_id: 'songs', metadata: { size: 1, mimetype: 'audio/webm' } }])
  isStorageError(t, (await songs.download('u/a.webm')).error, '404')
  expectFiles(t, 1)
  t.strictSame(await songs.remove(['u/a.webm']), { data: [], error: null })
  const many = Array.from({ length: 1001 }, (_, i) => `none/${i}`)
  t.strictSame(await songs.remove(many), { data: [], error: null })
  t.strictSame(await client.from('none').remove(['a']), { data: [], error: null })
})

t.test('an object can be moved, also to another bucket, and keeps its id, bytes and metadata', async (t) => {
  const { client, songs, expectFiles } = await startWithBucket(t)
  await client.createBucket('private')
  await songs.upload('u/a.webm', 'sound', { ...webm, cacheControl: '60', metadata: { take: 2 } })
  const before = (await songs.info('u/a.webm')).data
  t.strictSame(await songs.move('u/a.webm', 'u/b.webm'), {
    data: { message: 'Successfully moved' },
    error: null
  })
  t.equal((await songs.move('u/b.webm', 'v/c.webm', { destinationBucket: 'private' })).error, null)
  t.strictSame((await songs.list('u')).data, [])

  const moved = client.from('private')
  const { id, size, contentType, cacheControl, etag, metadata, createdAt } = before!
  t.match((await moved.info('v/c.webm')).data, {
    id,
    size,
    contentType,
    cacheControl,
    etag,
    metadata,
    createdAt,
    bucketId: 'private'
  })
  t.equal(await text((await moved.download('v/c.webm')).data), 'sound')
  t.equal((await moved.move('v/c.webm', 'v/c.webm')).error, null, 'to its own key')
  t.strictSame(
    (await moved.list('v')).data?.map((row) => row.name),
    ['c.webm']
  )
  expectFiles(t, 1)
})

t.test('an object can be copied, also to another bucket', async (t) => {
  const { client, songs } = await startWithBucket(t)
  await client.createBucket('private')
  await songs.upload('a.webm', 'sound', { ...webm, cacheControl: '60' })
  t.strictSame(await songs.copy('a.webm', 'b.webm'), { data: { path: 'songs/b.webm' }, error: null })
  t.equal((await songs.copy('a.webm', 'a.webm', { destinationBucket: 'private' })).error, null)
  await songs.remove(['a.webm'])
  for (const [bucket, key] of [
    ['songs', 'b.webm'],
    ['private', 'a.webm']
  ] as const) {
    t.equal(await text((await client.from(bucket).download(key)).data), 'sound')
    t.match((await client.from(bucket).info(key)).data, {
      contentType: 'audio/webm',
      cacheControl: 'max-age=60'
    })
  }
})

t.test('a refused move or copy changes nothing', async (t) => {
  const { songs } = await startWithBucket(t)
  await songs.upload('a.webm', 'a')
  await songs.upload('b.webm', 'b')
  for (const relocate of [songs.move.bind(songs), songs.copy.bind(songs)]) {
    isStorageError(t, (await relocate('none', 'c.webm')).error, '404')
    isStorageError(t, (await relocate('a.webm', 'b.webm')).error, '409')
    isStorageError(t, (await relocate('a.webm', 'c.webm', { destinationBucket: 'none' })).error, '404')
    isStorageError(t, (await relocate('a.webm', 'ü')).error, '400')
  }
  t.strictSame(
    (await songs.list()).data?.map((row) => row.name),
    ['a.webm', 'b.webm']
  )
  t.equal(await text((await songs.download('b.webm')).data), 'b')
})

t.test(
  'keys follow the rules of the real server, and no key escapes the data directory',
  embeddedOnly,
  async (t) => {
    const { client, songs, url, directory } = await startWithBucket(t)
    const odd = "a b/!-.*'()&$@=;:+,c_"
    t.equal((await songs.upload(odd, 'x')).error, null)
    t.strictSame(
      (await songs.list('a b')).data?.map((row) => row.name),
      [odd.slice(4)]
    )
    for (const key of ['ü', 'a~b', 'a%22b', 'a[b]', 'a%00b', 'a%5Cb']) {
      isStorageError(t, (await songs.upload(key, 'x')).error, '400')
    }

    const long = `${'x'.repeat(300)}/${'y'.repeat(300)}`
    t.equal((await songs.upload(long, 'x')).error, null, 'a key may be longer than a file name')
    await client.createBucket('other', { public: true })
    for (const key of ['..%2f..%2fescaped', '%2e%2e%2f%2e%2e%2f%2e%2e%2fescaped']) {
      const status = await new Promise((resolve) => {
        httpRequest(`${url}/storage/v1/object/songs/${key}`, { method: 'POST', headers }, (response) =>
          resolve(response.resume().statusCode)
        ).end('x')
      })
      t.equal(status, 200, 'dots and slashes are ordinary characters of a key')
    }
    t.notOk(existsSync(join(directory, 'escaped')) || existsSync(join(directory, '..', 'escaped')))
    t.strictSame(readdirSync(directory).sort(), ['journal.jsonl', 'objects', 'resumable'])
  }
)

t.test('an aborted upload leaves no file, and the previous object is unchanged', embeddedOnly, async (t) => {
  const { songs, url, files } = await startWithBucket(t)
  await songs.upload('open.webm', 'old', webm)
  for (const [name, value] of [
    ['content-length', 1000],
    ['transfer-encoding', 'chunked']
  ] as const) {
    const upload = openUpload(url, { [name]: value, 'x-upsert': 'true' })
    t.ok(await until(() => files().length === 2), 'bytes are arriving')
    upload.destroy()
    t.ok(await until(() => files().length === 1), 'and are deleted')
  }
  t.equal(await text((await songs.download('open.webm')).data), 'old')

  const failing = Readable.from(
    (async function* () {
      yield Buffer.from('some')
      throw new Error('the microphone was disconnected')
    })()
  )
  t.match((await songs.upload('failing', failing)).error, { name: 'StorageUnknownError' })
  t.equal((await songs.exists('failing')).data, false)
})

t.test('an upload fails and leaves no file when its bucket is deleted meanwhile', embeddedOnly, async (t) => {
  const { client, url, files } = await startWithBucket(t)
  const upload = openUpload(url, {})
  t.ok(await until(() => files().length === 1))
  await client.deleteBucket('songs')
  const answer = new Promise<number | undefined>((resolve) =>
    upload.on('response', (response) => resolve(response.resume().statusCode))
  )
  upload.end('the last bytes')
  t.equal(await answer, 400)
  t.strictSame(files(), [])
})

t.test('buckets and objects survive a restart', embeddedOnly, async (t) => {
  const { songs, close, client, directory } = await startWithBucket(t)
  await client.createBucket('emptied')
  await client.from('emptied').upload('deleted.webm', 'x')
  await client.emptyBucket('emptied')
  await client.createBucket('deleted')
  await client.deleteBucket('deleted')
  for (const body of ['one', 'two', 'three', 'four', 'five']) {
    await songs.upload('u/a.webm', body, { ...webm, upsert: true })
  }
  await songs.upload('u/removed.webm', 'x')
  await songs.remove(['u/removed.webm'])
  const [before, buckets] = [await songs.info('u/a.webm'), await client.listBuckets()]
  await close()

  for (let i = 0; i < 2; i++) {
    // The first start compacts the journal, so the second one reads a compacted journal.
    const again = await start(t, directory)
    t.strictSame(await again.client.listBuckets(), buckets)
    t.strictSame(await again.client.from('songs').info('u/a.webm'), before)
    t.equal(await text((await again.client.from('songs').download('u/a.webm')).data), 'five')
    t.strictSame(
      (await again.client.from('songs').list('u')).data?.map((row) => row.name),
      ['a.webm']
    )
    t.strictSame((await again.client.from('emptied').list()).data, [])
    await again.close()
  }
})

t.test(
  'after a crash in the middle of a write, stored objects remain and leftovers are deleted',
  embeddedOnly,
  async (t) => {
    const { songs, close, directory } = await startWithBucket(t)
    await songs.upload('kept', 'kept', webm)
    await close()
    writeFileSync(join(directory, 'objects', 'half-written'), 'bytes without a record in the journal')
    writeFileSync(join(directory, 'journal.jsonl.new'), 'an unfinished compaction')
    appendFileSync(join(directory, 'journal.jsonl'), '\n{"type":"object-removed","bucketId":"songs","na')

    const again = await start(t, directory)
    t.equal(await text((await again.client.from('songs').download('kept')).data), 'kept')
    t.notOk(again.files().includes('half-written'))
    t.equal((await again.client.from('songs').upload('next', 'next')).error, null)
    await again.close()
    const third = await start(t, directory)
    t.equal(
      await text((await third.client.from('songs').download('next')).data),
      'next',
      'only the incomplete record is lost'
    )
  }
)

t.test('after a crash during a move, the object is at one of the two keys', embeddedOnly, async (t) => {
  const { client, close, directory } = await startWithBucket(t)
  await client.createBucket('staging')
  await client.from('staging').upload('a.webm', 'sound', webm)
  const journal = join(directory, 'journal.jsonl')
  const unmoved = statSync(journal).size
  await client.from('staging').move('a.webm', 'b.webm', { destinationBucket: 'songs' })
  await close()

  const whole = readFileSync(journal)
  const step = Math.ceil((whole.length - unmoved) / 8)
  for (let size = whole.length; size > unmoved; size -= step) {
    writeFileSync(journal, whole.subarray(0, size))
    const again = await start(t, directory)
    const places = [
      again.client.from('staging').exists('a.webm'),
      again.client.from('songs').exists('b.webm')
    ]
    t.strictSame(
      (await Promise.all(places)).map(({ data }) => data),
      size === whole.length ? [false, true] : [true, false]
    )
    await again.close()
  }
  t.equal((await start(t, directory)).files().length, 1)
})

t.test('an object whose file was deleted by hand is missing', embeddedOnly, async (t) => {
  const { songs, close, directory } = await startWithBucket(t)
  await songs.upload('lost', 'lost', webm)
  rmSync(join(directory, 'objects', `${(await songs.info('lost')).data?.version}`))
  isStorageError(t, (await songs.download('lost')).error, '404')
  await close()
  const again = await start(t, directory)
  t.equal((await again.client.from('songs').exists('lost')).data, false)
})

t.test('any origin may call the storage from a browser', embeddedOnly, async (t) => {
  const { api } = await start(t)
  const preflight = await api('/object/songs/a.webm', {
    method: 'OPTIONS',
    headers: {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization, x-upsert'
    }
  })
  t.equal(preflight.status, 204)
  t.match(Object.fromEntries(preflight.headers), {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'authorization, x-upsert'
  })
})

t.test('the server closes even if an upload has stalled', embeddedOnly, async (t) => {
  const { url, close, files } = await startWithBucket(t)
  openUpload(url, {})
  t.ok(await until(() => files().length === 1))
  await close()
  t.ok(await until(() => files().length === 0))
})
