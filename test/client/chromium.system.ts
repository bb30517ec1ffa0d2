import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium as playwright } from 'playwright-core'
import t from 'tap'
import { BROWSER_ARGS, findChromium, startBrowser } from './helpers/browser.ts'
import { entries } from './helpers/build.ts'
import { problem, startFakeApi } from './helpers/fake-api.ts'
import { recording } from './helpers/sessions.ts'
import { behaviours } from './storage-service-suite.ts'

/** A global of the page, from helpers/page.ts. */
declare const scenarios: typeof import('./helpers/page.ts')

const { chromium, skip } = await findChromium()

t.test('in Chromium', { skip }, async (t) => {
  const { origin, context, newPage } = await startBrowser(t, chromium)

  await t.test('each export can be imported in a page without a bundler', async (t) => {
    const page = await newPage()
    for (const { name, file } of entries) {
      const names = (await page.evaluate(`import('/${file}').then(Object.keys)`)) as string[]
      t.ok(names.length > 0, `${name}: ${names}`)
    }
    t.equal(await page.evaluate(() => scenarios.practise()), 1)
  })

  await t.test('LocalStorageService passes the shared suite of storage services', async (t) => {
    const page = await newPage()
    for (const name of Object.keys(behaviours)) {
      t.equal(await page.evaluate((name) => scenarios.runBehaviour(name), name), '', name)
    }
  })

  await t.test(
    'recordings beyond the localStorage quota are in IndexedDB and available to the next page',
    async (t) => {
      const kept = await (await newPage()).evaluate(() => scenarios.fill(4, 1_500_000))
      const { inline, recordings } = await (
        await newPage()
      ).evaluate(
        (ids) => scenarios.readBack(ids),
        kept.map(([id]) => id)
      )
      t.strictSame(recordings, kept)
      t.ok(
        inline.includes(true) && inline.includes(false),
        'some recordings fit into localStorage, some do not'
      )
    }
  )

  await t.test('a recording is saved even if the upload modules cannot be loaded', async (t) => {
    const api = await startFakeApi()
    t.teardown(() => api.kill())
    const account = { baseUrl: api.baseUrl, token: 'token', directUploadBytes: 1 }
    const [complete, incomplete] = [await newPage(), await newPage()]
    await incomplete.route(/(direct-upload|xhr-fetch)\.js$/, (route) => route.abort())
    const save = (page: typeof complete, id: string) =>
      page.evaluate(([account, id]) => scenarios.save(account, id), [account, id] as const)

    const id = crypto.randomUUID()
    t.equal(await save(incomplete, id), '')
    t.match(api.account('token').sessions.get(id), { audio: /./, isDirect: undefined })
    t.equal(await save(complete, id), '')

    await t.test('it is also saved after an incomplete direct upload of the same session', async (t) => {
      const id = crypto.randomUUID()
      api.fault = ({ path }) =>
        path.endsWith('/complete') ? problem(503, 'storage_unavailable', { 'retry-after': '60' }) : undefined
      t.equal(await save(complete, id), 'storage_unavailable')
      api.fault = () => undefined
      t.equal(await save(incomplete, id), 'network_error')
      t.equal(await save(complete, id), '')
      t.match(api.account('token').sessions.get(id), { audio: /./, isDirect: true })
    })
  })

  await t.test('in a browser that lacks functions or refuses storage', async (t) => {
    const api = await startFakeApi()
    t.teardown(() => api.kill())
    const account = () => ({ baseUrl: api.baseUrl, token: crypto.randomUUID() })

    await t.test('missing functions are not needed', async (t) => {
      const page = await context.newPage()
      await page.addInitScript(() => {
        Object.assign(AbortSignal, { any: undefined, timeout: undefined })
        Object.defineProperty(Crypto.prototype, 'randomUUID', { value: undefined })
        Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })
        Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })
        Reflect.deleteProperty(Array.prototype, 'toReversed')
      })
      await page.goto(origin)
      t.equal(await page.evaluate(() => scenarios.practise()), 1)
      t.strictSame(await page.evaluate((account) => scenarios.useStorage(account), account()), {
        local: '',
        account: ['Through the outbox'],
        kept: ''
      })
    })

    await t.test('refused storage leaves the account usable, and is said', async (t) => {
      const page = await context.newPage()
      await page.addInitScript(() => {
        const refuse = () => {
          throw new DOMException('Access is denied for this document.', 'SecurityError')
        }
        Object.defineProperty(window, 'localStorage', { get: refuse })
        IDBFactory.prototype.open = refuse
        Object.defineProperty(Navigator.prototype, 'locks', { value: { request: async () => refuse() } })
      })
      await page.goto(origin)
      t.strictSame(await page.evaluate((account) => scenarios.useStorage(account), account()), {
        local: 'storage_blocked',
        account: ['Through the outbox'],
        kept: ''
      })
    })

    await t.test('a database that was closed without an event is opened again', async (t) => {
      const mine = account()
      const page = await newPage()
      t.strictSame(
        await page.evaluate(([mine, id]) => scenarios.saveAfterClose(mine, id), [mine, mine.token] as const),
        ['After the close waiting']
      )
      t.equal(api.account(mine.token).sessions.size, 1)
    })
  })

  await t.test('the outbox', async (t) => {
    const api = await startFakeApi()
    t.teardown(() => api.kill())
    const posted = () =>
      api.requests.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body).id as string)

    await t.test('delivers fifty offline saves from three page loads once and in order', async (t) => {
      const account = { baseUrl: api.baseUrl, token: 'fifty' }
      const songs = Array.from({ length: 50 }, (_, index) => `Song ${index}`)
      const ids: string[] = []
      const page = await newPage()
      for (const part of [songs.slice(0, 15), songs.slice(15, 40), songs.slice(40)]) {
        // The page itself can be loaded, as from a cache; the API cannot be reached.
        api.fault = () => 'cut'
        await context.setOffline(false)
        await page.goto(origin)
        await context.setOffline(true)
        ids.push(
          ...(await page.evaluate(([account, songs]) => scenarios.saveByOutbox(account, songs), [
            account,
            part
          ] as const))
        )
        const history = await page.evaluate(() => scenarios.history())
        t.equal(history.filter(([, state]) => state === 'waiting').length, ids.length)
      }
      api.requests.length = 0
      let posts = 0
      api.fault = ({ method }) => (method === 'POST' && ++posts % 9 === 0 ? 'lose' : undefined)
      await context.setOffline(false)

      const history = await page.evaluate(() => scenarios.deliveredHistory())
      t.strictSame(history.filter(([, state]) => state === 'saved').length, 50)
      t.strictSame([...new Set(posted())], ids, 'in order')
      t.strictSame([...api.account('fifty').sessions.keys()], ids, 'each once')
      t.ok(posted().length > 50, 'although responses were lost')
      await page.close()
    })

    await t.test(
      'refuses a session whose recording has lost its file, and delivers the others',
      async (t) => {
        const profile = t.testdir() // only a profile on disk has files
        const context = await playwright.launchPersistentContext(profile, {
          executablePath: chromium,
          args: BROWSER_ARGS
        })
        t.teardown(() => context.close())
        const account = { baseUrl: api.baseUrl, token: 'gone' }
        const page = await context.newPage()
        await page.goto(origin)
        await context.setOffline(true)
        const [, whole] = await page.evaluate(
          (account) => scenarios.saveByOutbox(account, ['Gone', 'Whole']),
          account
        )
        await context.setOffline(false)
        await page.goto('about:blank')
        const first = Buffer.from(await recording(0, 50_000).arrayBuffer())
        let removed = 0
        for (const file of await readdir(profile, { recursive: true, withFileTypes: true })) {
          const path = join(file.parentPath, file.name)
          if (!path.includes('.indexeddb.blob') || !file.isFile()) continue
          if (!(await readFile(path)).equals(first)) continue
          await rm(path)
          removed++
        }
        t.ok(removed > 0, 'the file was removed')

        api.fault = () => undefined
        await page.goto(origin)
        await page.evaluate((account) => scenarios.saveByOutbox(account, []), account)
        const states = () => page.evaluate(() => scenarios.history())
        const isDone = (history: [string, string][]) => history.every(([, state]) => state !== 'waiting')
        while (!isDone(await states())) await page.waitForTimeout(100)
        t.strictSame(
          new Map(await states()),
          new Map([
            ['Gone', 'refused'],
            ['Whole', 'saved']
          ])
        )
        t.strictSame([...api.account('gone').sessions.keys()], [whole])
      }
    )

    await t.test('two tabs deliver each session once', async (t) => {
      const account = { baseUrl: api.baseUrl, token: 'tabs' }
      const songs = (tab: number) => Array.from({ length: 8 }, (_, song) => `Tab ${tab} song ${song}`)
      // Longer than the client waits before it rejects.
      api.fault = () => problem(503, 'storage_unavailable', { 'retry-after': '40' })
      const tabs = [await newPage(), await newPage()]
      const ids = (
        await Promise.all(
          tabs.map((tab, index) =>
            tab.evaluate(([account, songs]) => scenarios.saveByOutbox(account, songs), [
              account,
              songs(index)
            ] as const)
          )
        )
      ).flat()
      api.requests.length = 0
      api.fault = () => undefined
      await context.setOffline(true)
      await context.setOffline(false)

      for (const tab of tabs) {
        const history = await tab.evaluate(() => scenarios.deliveredHistory())
        t.equal(history.filter(([, state]) => state === 'saved').length, 16)
      }
      t.strictSame(posted().sort(), ids.sort(), 'each was sent once')
    })
  })
})
