import t from 'tap'
import { findChromium, startBrowser } from './helpers/browser.ts'
import type { Account } from './helpers/page.ts'
import { startRealApi } from './helpers/real-api.ts'
import { behaviours } from './storage-service-suite.ts'

/** A global of the page, from helpers/page.ts. */
declare const scenarios: typeof import('./helpers/page.ts')

const { chromium, skip } = await findChromium()

t.test('ApiStorageService in Chromium against the real server', { skip }, async (t) => {
  const { origin, context, newPage } = await startBrowser(t, chromium)
  const { baseUrl, newAccount } = await startRealApi(t, { CORS_ORIGINS: origin })
  const page = await newPage()

  await t.test('passes the shared suite of storage services', async (t) => {
    for (const name of Object.keys(behaviours)) {
      const account = { baseUrl, ...newAccount() }
      t.equal(
        await page.evaluate(([name, account]) => scenarios.runBehaviour(name, account), [
          name,
          account
        ] as const),
        '',
        name
      )
    }
  })

  await t.test(
    'an unchanged history is answered with 304, a changed one and another user with 200',
    async (t) => {
      const network = await context.newCDPSession(page)
      await network.send('Network.enable')
      const statuses: number[] = []
      // What came over the wire: the page itself sees 200 for both.
      network.on('Network.responseReceivedExtraInfo', ({ statusCode }) => {
        if (statusCode === 200 || statusCode === 304) statuses.push(statusCode)
      })
      const songs = async (account: Account) => {
        statuses.length = 0
        const songs = await page.evaluate((account) => scenarios.songs(account), account)
        return [songs, [...statuses]]
      }
      const save = (account: Account) =>
        page.evaluate(([account, id]) => scenarios.save(account, id), [account, crypto.randomUUID()] as const)

      const account = { baseUrl, ...newAccount() }
      t.equal(await save(account), '')
      t.strictSame(await songs(account), [['Ode to Joy'], [200]])
      t.strictSame(await songs(account), [['Ode to Joy'], [304]])
      t.equal(await save(account), '')
      t.strictSame(await songs(account), [['Ode to Joy', 'Ode to Joy'], [200]])
      t.strictSame(await songs({ baseUrl, ...newAccount() }), [[], [200]])
      await network.detach()
    }
  )

  await t.test('uploads recordings directly to the object storage', async (t) => {
    const puts: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') puts.push(request.url())
    })
    for (const name of Object.keys(behaviours).filter((name) =>
      /recording|again|used id|deleting removes/.test(name)
    )) {
      const account = { baseUrl, ...newAccount(), directUploadBytes: 1 }
      t.equal(
        await page.evaluate(([name, account]) => scenarios.runBehaviour(name, account), [
          name,
          account
        ] as const),
        '',
        name
      )
    }
    t.ok(puts.length > 3)
    t.ok(puts.every((url) => url.includes('/storage/v1/object/upload/sign/') && !url.startsWith(baseUrl)))
  })

  await t.test('uploads a recording of several chunks by TUS', async (t) => {
    const methods: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('/storage/v1/upload/resumable/sign')) methods.push(request.method())
    })
    const account = { baseUrl, ...newAccount() }
    const shares = await page.evaluate((account) => scenarios.upload(account, 13_000_000), account)
    t.strictSame(methods, ['POST', 'PATCH', 'PATCH', 'PATCH'])
    t.equal(shares.at(-1), 1)
  })

  await t.test('reports upload progress', async (t) => {
    // Throttled, because the loopback interface is too fast to report progress.
    const network = await context.newCDPSession(page)
    await network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 5_000_000
    })
    for (const directUploadBytes of [Infinity, 1]) {
      const shares = await page.evaluate((account) => scenarios.upload(account, 5_000_000), {
        baseUrl,
        ...newAccount(),
        directUploadBytes
      })
      t.ok(shares.length > 1)
      t.ok(
        shares.every((share, index) => share > (shares[index - 1] ?? 0)),
        'progress only increases'
      )
      t.equal(shares.at(-1), 1)
    }
  })
})
