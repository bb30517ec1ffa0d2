import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { openDatabase } from '../../../src/client/indexed-db.ts'
import { createKeptReads, MAX_CHARACTERS, MAX_ENTRIES } from '../../../src/client/offline/kept-reads.ts'
import { StorageError, type CallOptions, type Stale } from '../../../src/client/index.ts'

const STORES = { waiting: { keyPath: 'place', autoIncrement: true }, heard: {} }
const noNetwork = async () => {
  throw new StorageError(0, 'network_error', 'No network')
}
const answer =
  <T>(value: T, etag?: string) =>
  async ({ onEtag }: CallOptions) => {
    onEtag?.(etag)
    return value
  }

function setUp({ factory = new IDBFactory(), isOnline = true, name = 'outbox:clara' } = {}) {
  let time = Date.UTC(2026, 10, 26, 14, 5)
  const pauses: number[] = []
  let pass = () => {}
  const clock = {
    now: () => new Date(time++),
    sleep: (milliseconds: number) => {
      pauses.push(milliseconds)
      return new Promise<void>((resolve) => {
        pass = resolve
      })
    }
  }
  const transact = openDatabase(factory, name, STORES)
  const reads = createKeptReads({ transact, clock, isOnline: () => isOnline })
  return { reads, factory, pauses, pass: () => pass(), ready: () => reads.change(() => {}) }
}

/** Reads without a network. Undefined when nothing is kept. */
async function keptOnly({ reads }: Pick<ReturnType<typeof setUp>, 'reads'>, key: string) {
  return reads.read(key, noNetwork, {}).catch(() => undefined)
}

t.test(
  'a kept answer is given without a network, also to the next page, and says when it was loaded',
  async (t) => {
    const page = setUp()
    await page.reads.read('history', answer(['a']), {})
    await page.ready()
    const stale: Stale[] = []
    const next = setUp({ factory: page.factory })
    t.strictSame(await next.reads.read('history', noNetwork, { onStale: (given) => stale.push(given) }), [
      'a'
    ])
    t.match(stale, [{ loadedAt: new Date(Date.UTC(2026, 10, 26, 14, 5)), reason: { code: 'network_error' } }])
  }
)

t.test('a read rejects when nothing is kept, and when the server answers with an error', async (t) => {
  const page = setUp()
  await t.rejects(page.reads.read('history', noNetwork, {}), { code: 'network_error' })
  await page.reads.read('history', answer(['a']), {})
  for (const [status, code, isKept] of [
    [502, 'http_502', true],
    [503, 'server_busy', true],
    [401, 'no_token', true],
    [200, 'unexpected_answer', true],
    [401, 'invalid_token', false],
    [403, 'blocked', false],
    [404, 'session_not_found', false],
    [429, 'too_many_requests', false],
    [500, 'internal_error', false]
  ] as const) {
    const read = page.reads.read(
      'history',
      async () => Promise.reject(new StorageError(status, code, '')),
      {}
    )
    t.equal(
      await read.then(
        () => true,
        () => false
      ),
      isKept,
      code
    )
  }
})

t.test('asks with the kept ETag, and takes the kept answer when it is unchanged', async (t) => {
  const page = setUp()
  await page.reads.read('stats', answer({ streak: 1 }, '"one"'), {})
  const asked: unknown[] = []
  const unchanged = async ({ etag }: CallOptions) => {
    asked.push(etag)
    throw new StorageError(304, 'http_304', '')
  }
  t.strictSame(await page.reads.read('stats', unchanged, {}), { streak: 1 })
  t.strictSame(asked, ['"one"'])
})

t.test('what was used least recently goes first', async (t) => {
  await t.test('when there are too many answers', async (t) => {
    const page = setUp()
    for (let index = 0; index < MAX_ENTRIES; index++) await page.reads.read(`${index}`, answer(index), {})
    await keptOnly(page, '0')
    await page.reads.read('one more', answer(true), {})
    await page.ready()
    t.equal(await keptOnly(page, '0'), 0, 'used since')
    t.equal(await keptOnly(page, '1'), undefined)
    t.equal(await keptOnly(page, '2'), 2)
  })

  await t.test('when they are too large', async (t) => {
    const page = setUp()
    const large = 'x'.repeat(MAX_CHARACTERS / 2 - 10)
    for (const key of ['a', 'b', 'c']) await page.reads.read(key, answer(large), {})
    await page.reads.read('too large', answer('x'.repeat(MAX_CHARACTERS + 1)), {})
    await page.ready()
    for (const [key, isKept] of [
      ['a', false],
      ['b', true],
      ['c', true],
      ['too large', false]
    ] as const) {
      t.equal((await keptOnly(page, key)) !== undefined, isKept, key)
    }
  })
})

t.test('a session that no longer exists is not kept', async (t) => {
  const page = setUp()
  await page.reads.read('session:a', answer({ id: 'a' }), {})
  await page.reads.read('session:a', answer(null), {})
  await page.ready()
  t.equal(await keptOnly(page, 'session:a'), undefined)
})

t.test('of two accounts none sees what was kept of the other', async (t) => {
  const clara = setUp()
  await clara.reads.read('history', answer(['hers']), {})
  await clara.ready()
  t.equal(await keptOnly(setUp({ factory: clara.factory, name: 'outbox:robert' }), 'history'), undefined)
})

t.test('after it was forgotten, nothing is kept any more', async (t) => {
  const page = setUp()
  await page.reads.read('history', answer(['a']), {})
  await page.reads.forget()
  await page.reads.read('stats', answer({ streak: 1 }), {})
  await page.ready()
  const next = setUp({ factory: page.factory })
  for (const key of ['history', 'stats']) t.equal(await keptOnly(next, key), undefined, key)
})

t.test('a slow answer', async (t) => {
  const arrive = (t: Test) => {
    let resolve = (_: string[]) => {}
    const promise = new Promise<string[]>((_resolve) => {
      resolve = _resolve
    })
    t.teardown(() => resolve([]))
    return { promise, resolve }
  }
  for (const [isOnline, limit] of [
    [false, 2_000],
    [true, 10_000]
  ] as const) {
    await t.test(`is replaced by the kept one after ${limit} ms, and kept when it arrives`, async (t) => {
      const page = setUp({ isOnline })
      await page.reads.read('history', answer(['old']), {})
      const slow = arrive(t)
      const read = page.reads.read('history', () => slow.promise, {})
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
      t.equal(page.pauses.at(-1), limit)
      page.pass()
      t.strictSame(await read, ['old'])
      slow.resolve(['new'])
      await slow.promise
      await page.ready()
      t.strictSame(await keptOnly(page, 'history'), ['new'])
    })
  }

  await t.test('is waited for when nothing is kept and there is a network', async (t) => {
    const page = setUp()
    await page.reads.read('history', answer(['a']), {})
    t.strictSame(page.pauses, [])
  })
})

t.test('storage that fails makes no read fail', async (t) => {
  const failing = Object.assign(new IDBFactory(), {
    open: () => {
      throw new DOMException('Full', 'QuotaExceededError')
    }
  })
  const page = setUp({ factory: failing })
  t.strictSame(await page.reads.read('history', answer(['a'], '"a"'), {}), ['a'])
  await t.rejects(page.reads.read('history', noNetwork, {}), { code: 'network_error' })
})

t.test('an aborted read rejects with the reason, and shows nothing kept', async (t) => {
  const page = setUp()
  await page.reads.read('history', answer(['a']), {})
  const stop = new AbortController()
  const read = page.reads.read(
    'history',
    () => {
      stop.abort()
      return noNetwork()
    },
    { signal: stop.signal }
  )
  await t.rejects(read, { name: 'AbortError' })
})
