import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createStorage } from '../../../src/server/storage/storage.ts'
import { walkBucket } from '../../../src/server/storage/walk-bucket.ts'

type ListRequest = { prefix: string; limit: number; offset: number }

/** A storage server that only lists `keys`, which the test may change, and records the requests. */
async function startStorage(t: Test, keys: Set<string>) {
  const requests: ListRequest[] = []
  const server = createServer(async (request, response) => {
    const query = (await json(request)) as ListRequest
    requests.push(query)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(listLevel(query)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })

  function listLevel({ prefix, limit, offset }: ListRequest) {
    const level = prefix === '' ? '' : `${prefix}/`
    const inside = [...keys].filter((key) => key.startsWith(level)).map((key) => key.slice(level.length))
    const names = new Set(inside.map((key) => key.replace(/\/.*/, '/')).sort())
    const rows = [...names].map((name) =>
      name.endsWith('/')
        ? { name: name.slice(0, -1), id: null }
        : { name, id: 'x', updated_at: '2026-11-22T18:03:00Z' }
    )
    return rows.slice(offset, offset + limit)
  }

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const storage = createStorage(
    { url, serviceKey: 'sb_secret_x', bucket: 'songs', access: 'public', linkSeconds: 60, timeoutMs: 30_000 },
    { maxRecordingBytes: 1 }
  )
  t.teardown(() => storage.close())
  return { storage, requests }
}

const numbered = (count: number, toKey: (number: string) => string) =>
  Array.from({ length: count }, (_, index) => toKey(String(index).padStart(5, '0')))

t.test('every object is visited once, in order, with one request a page', async (t) => {
  const keys = new Set(numbered(2500, (number) => `clara/${number}`))
  const { storage, requests } = await startStorage(t, keys)
  const visited: string[] = []
  await walkBucket(storage, {
    depth: 1,
    visit: async ({ key }) => {
      visited.push(key)
      return false
    }
  })
  t.strictSame(visited, [...keys])
  t.strictSame(
    requests.map(({ prefix, offset }) => [prefix, offset]),
    [
      ['', 0],
      ['clara', 0],
      ['clara', 1000],
      ['clara', 2000]
    ]
  )
})

t.test('objects that the visitor removes hide none of the following ones', async (t) => {
  const keys = new Set(numbered(2500, (number) => `clara/${number}`))
  const all = [...keys]
  const { storage } = await startStorage(t, keys)
  const visited: string[] = []
  const visit = async ({ key }: { key: string }) => {
    visited.push(key)
    return !key.endsWith('7') && keys.delete(key)
  }
  await walkBucket(storage, { depth: 1, visit })
  t.strictSame(visited, all)
  t.strictSame(
    [...keys],
    all.filter((key) => key.endsWith('7'))
  )
})

t.test('a folder counts as removed when its last object was removed', async (t) => {
  const folders: Record<string, string[]> = {
    '': ['anna', 'clara', 'empty', 'robert'],
    anna: ['anna/1', 'anna/2'],
    clara: ['clara/1', 'clara/kept'],
    empty: [],
    robert: ['robert/1']
  }
  const removed: Record<string, number> = {}
  async function* list(folder: string, countRemoved = () => 0) {
    for (const key of folders[folder] ?? []) yield { key, isFolder: folder === '', modifiedAt: new Date() }
    removed[folder] = countRemoved()
  }
  await walkBucket({ list }, { depth: 1, visit: async ({ key }) => !key.endsWith('kept') })
  t.strictSame(removed, { anna: 2, clara: 1, empty: 0, robert: 1, '': 2 })
})

t.test('objects that others remove may hide some, and no missing object is visited', async (t) => {
  const keys = new Set(numbered(1500, (number) => `clara/${number}`))
  const all = [...keys]
  const { storage } = await startStorage(t, keys)
  const visited: string[] = []
  await walkBucket(storage, {
    depth: 1,
    visit: async ({ key }) => {
      if (visited.push(key) === 1) for (const gone of all.slice(0, 100)) keys.delete(gone)
      return false
    }
  })
  t.strictSame(visited, [...all.slice(0, 1000), ...all.slice(1100)])
})

t.test('folders below the deepest level are visited like objects', async (t) => {
  const { storage } = await startStorage(t, new Set(['clara/session/upload', 'clara/session/a/b', 'stray']))
  const visit = async (depth: number) => {
    const visited: Array<[key: string, isFolder: boolean]> = []
    await walkBucket(storage, {
      depth,
      visit: async ({ key, isFolder }) => {
        visited.push([key, isFolder])
        return false
      }
    })
    return visited
  }
  t.strictSame(await visit(1), [
    ['clara/session', true],
    ['stray', false]
  ])
  t.strictSame(await visit(2), [
    ['clara/session/a', true],
    ['clara/session/upload', false],
    ['stray', false]
  ])
})

t.test('a walk can begin at a key, and lists no folder before it', async (t) => {
  const { storage, requests } = await startStorage(t, new Set(['anna/1', 'clara/1', 'clara/2', 'robert/1']))
  const visited: string[] = []
  await walkBucket(storage, {
    depth: 1,
    from: 'clara',
    visit: async ({ key }) => {
      visited.push(key)
      return false
    }
  })
  t.strictSame(visited, ['clara/1', 'clara/2', 'robert/1'])
  t.strictSame(
    requests.map(({ prefix }) => prefix),
    ['', 'clara', 'robert']
  )
})
