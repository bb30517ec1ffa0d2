import fc from 'fast-check'
import t from 'tap'
import type { StoredObject } from '../../../src/dev/object-storage/change-log.ts'
import { listLevel, type LevelQuery } from '../../../src/dev/object-storage/listing.ts'
import { createObjectIndex } from '../../../src/dev/object-storage/object-index.ts'
import { startWithBucket, webm } from '../../helpers/object-storage.ts'

t.test('list returns one level with pages, order and search', async (t) => {
  const { client, songs } = await startWithBucket(t)
  for (const key of ['b.webm', 'u2/x.webm', 'u1/y.webm', 'u1/deep/z.webm', 'a.webm', 'u10/w.webm']) {
    await songs.upload(key, 'sound', webm)
  }
  const names = async (...args: Parameters<typeof songs.list>) =>
    (await songs.list(...args)).data?.map((row) => row.name)
  t.strictSame(await names(), ['a.webm', 'b.webm', 'u1', 'u10', 'u2'])
  t.strictSame(await names('u1'), ['deep', 'y.webm'])
  t.strictSame(await names('u1/'), ['deep', 'y.webm'])
  t.strictSame(await names('', { limit: 2, offset: 2 }), ['u1', 'u10'])
  t.strictSame(await names('', { sortBy: { column: 'name', order: 'desc' } }), [
    'u2',
    'u10',
    'u1',
    'b.webm',
    'a.webm'
  ])
  const byDate = { column: 'created_at', order: 'desc' }
  t.strictSame(await names('', { sortBy: byDate }), ['u2', 'u10', 'u1', 'a.webm', 'b.webm'])
  t.strictSame(await names('', { sortBy: { column: 'created_at' } }), ['u1', 'u10', 'u2', 'b.webm', 'a.webm'])
  t.strictSame(await names('', { search: 'U1' }), ['u1', 'u10'])
  t.strictSame(await names('none'), [])
  t.strictSame((await client.from('none').list()).data, [])

  const [file, , folder] = (await songs.list()).data ?? []
  t.strictSame(folder, {
    name: 'u1',
    id: null,
    updated_at: null,
    created_at: null,
    last_accessed_at: null,
    metadata: null
  })
  t.match(file, {
    name: 'a.webm',
    id: /^[0-9a-f-]{36}$/,
    created_at: /^\d{4}-.*Z$/,
    updated_at: /^\d{4}-.*Z$/,
    metadata: {
      eTag: /^".+"$/,
      size: 5,
      mimetype: 'audio/webm',
      cacheControl: 'max-age=3600',
      contentLength: 5,
      httpStatusCode: 200
    }
  })
})

t.test('the pages of listV2 contain every key once, while other keys are added and removed', async (t) => {
  const { songs } = await startWithBucket(t)
  const keys = Array.from({ length: 25 }, (_, i) => `u${i % 3}/${String(i).padStart(2, '0')}.webm`)
  await Promise.all(keys.map((key) => songs.upload(key, 'x', webm)))
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const { data } = await songs.listV2({ limit: 10, cursor })
    seen.push(...(data?.objects.map((object) => object.name) ?? []))
    cursor = data?.nextCursor
    t.equal(cursor !== undefined, data?.hasNext)
    if (cursor) await songs.remove([`${seen.at(-1)}`, `${seen.at(-2)}`]) // including the key of the cursor
    await songs.upload('u0/before', 'x', { ...webm, upsert: true })
  } while (cursor)
  t.strictSame(seen, keys.sort())
  const left = [...keys.filter((_, i) => ![8, 9, 18, 19].includes(i)), 'u0/before'].sort()
  t.strictSame(
    (await songs.listV2()).data?.objects.map((object) => object.name),
    left
  )

  const { data } = await songs.listV2({ with_delimiter: true, limit: 2 })
  t.match(data, {
    hasNext: true,
    folders: [{ name: 'u0/', key: 'u0', id: null }, { name: 'u1/' }],
    objects: []
  })
  const next = await songs.listV2({ with_delimiter: true, limit: 2, cursor: data?.nextCursor })
  t.match(next.data, { hasNext: false, folders: [{ name: 'u2/' }] })
  t.match(
    (await songs.listV2({ prefix: 'u2/2' })).data?.objects.map((object) => object.name),
    ['u2/20.webm']
  )
})

const FOLDERS = ['', 'a/', 'a/b/', 'a.b/']
const some = fc.constantFrom

function toObject(name: string): StoredObject {
  const date = '2026-11-22T18:00:00.000Z'
  return {
    id: name,
    bucketId: 'songs',
    name,
    version: name,
    size: 0,
    eTag: '""',
    contentType: '',
    cacheControl: '',
    userMetadata: null,
    createdAt: date,
    updatedAt: date
  }
}

// Files of the folder, or folders in it with one file each; unsorted, in lower and upper case.
function namesIn(folder: string, count: number, isNested: boolean) {
  return Array.from(
    { length: count },
    (_, i) => `${folder}${i % 2 ? 'a' : 'B'}${((i * 7919) % 5000).toString(36)}${isNested ? '/x' : ''}`
  )
}

function listPlainly(names: Iterable<string>, { prefix, search = '', limit, offset, sortBy }: LevelQuery) {
  const inside = [...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  const entries = new Set(inside.map((name) => name.replace(/\/.*/, '/')))
  const sorted = [...entries]
    .filter((name) => name.toLowerCase().startsWith(search.toLowerCase()))
    .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  if (sortBy?.order === 'desc') sorted.reverse()
  return sorted.slice(offset, offset + limit).map((name) => name.replace(/\/$/, ''))
}

t.test('every page of every level equals the sorted names, after many are added and removed', async () => {
  const change = fc.record({
    what: some('add', 'add', 'remove', 'remove', 'remove', 'empty'),
    folder: some(...FOLDERS),
    count: some(1, 600, 1200),
    isNested: fc.boolean()
  })
  const query = fc.record({
    search: some('', '', 'a', 'B', 'a1', 'zz'),
    limit: some(1, 100, 10_000),
    offset: some(0, 1, 999),
    sortBy: fc.record({ column: some('name'), order: some('asc', 'desc') })
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(change, query), { minLength: 3, maxLength: 6 }), (steps) => {
      const index = createObjectIndex()
      const names = new Set(FOLDERS.flatMap((folder) => namesIn(folder, 1100, false)))
      for (const name of names) index.set(toObject(name))
      for (const [{ what, folder, count, isNested }, page] of steps) {
        if (what === 'empty') for (const each of [index, names]) each.clear()
        for (const name of what === 'empty' ? [] : namesIn(folder, count, isNested)) {
          if (what === 'add') index.set(toObject(name))
          else index.delete(name)
          names[what === 'add' ? 'add' : 'delete'](name)
        }
        for (const prefix of FOLDERS) {
          const query = { ...page, prefix }
          if (`${listLevel(index, query).map((row) => row.name)}` !== `${listPlainly(names, query)}`) {
            return false
          }
        }
      }
    }),
    { numRuns: 25 }
  )
})
