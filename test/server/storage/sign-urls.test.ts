import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { signUrls } from '../../../src/server/storage/sign-urls.ts'

type Objects = Parameters<typeof signUrls>[0]

t.test('any number of keys is signed in batches of 1,000, four at a time', async (t) => {
  for (const [count, calls] of [
    [0, 0],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [12_345, 13]
  ] as const) {
    const batches: number[] = []
    let running = 0
    let most = 0
    const objects = {
      async createSignedUrls(keys: string[]) {
        batches.push(keys.length)
        most = Math.max(most, ++running)
        await pause(1)
        running--
        return { data: keys.map((path) => ({ path, signedUrl: `signed/${path}`, error: null })), error: null }
      }
    } as unknown as Objects
    const keys = Array.from({ length: count }, (_, index) => `u/${index}.webm`)
    const urls = await signUrls(objects, keys, 60)
    t.equal(urls.size, count)
    t.ok(keys.every((key) => urls.get(key) === `signed/${key}`))
    t.equal(batches.length, calls)
    t.ok(batches.every((size) => size <= 1000))
    t.ok(most <= 4, `${most} at a time`)
  }
})

t.test('a failed batch fails the whole, and starts no further ones', async (t) => {
  let calls = 0
  const objects = {
    createSignedUrls: async () => {
      calls++
      return { data: null, error: { message: 'no', status: 500 } }
    }
  } as unknown as Objects
  const keys = Array.from({ length: 20_000 }, (_, index) => `u/${index}.webm`)
  await t.rejects(signUrls(objects, keys, 60), { code: 'storage_unavailable' })
  await pause(10)
  t.equal(calls, 4)
})
