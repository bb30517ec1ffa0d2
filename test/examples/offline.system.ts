import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { findChromium } from '../client/helpers/browser.ts'
import { checkAccessibility } from './helpers/accessibility.ts'
import { button, listenTo, prepare, row, save, SCORE, signIn, tokenOf } from './helpers/actions.ts'
import { startBrowser } from './helpers/browser.ts'
import { startJournalSite } from './helpers/journal-site.ts'
import { until } from '../helpers/until.ts'

const { chromium, skip } = await findChromium()
t.setTimeout(580_000)

t.test('the practice journal without a network', { skip }, async (t) => {
  t.setTimeout(580_000)
  const [journal, browser] = await Promise.all([startJournalSite(t), startBrowser(t, chromium)])
  journal.serve('account')
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB'
  })
  context.setDefaultTimeout(60_000) // for slow machines
  const page = await open(context)
  page.on('dialog', (dialog) => dialog.accept())

  async function open(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', (error) => t.fail('an uncaught error', { error }))
    await page.goto(journal.origin)
    return page
  }
  const disconnect = async () => {
    await journal.stop()
    await context.setOffline(true)
  }
  const connect = async () => {
    await journal.start()
    await context.setOffline(false)
  }

  await t.test('can be installed', async (t) => {
    const devtools = await context.newCDPSession(page)
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    t.strictSame(
      installabilityErrors.map(({ errorId }) => errorId).filter((error) => error !== 'in-incognito'),
      []
    )
    const { errors, data } = await devtools.send('Page.getAppManifest')
    t.strictSame(errors, [])
    for (const { src } of JSON.parse(data ?? '{}').icons) {
      t.equal((await page.request.get(`${journal.origin}/${src}`)).status(), 200, src)
    }
    await devtools.detach()
  })

  await t.test('frees the form at once, sends behind it, and can be stopped', async (t) => {
    await signIn(page)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    t.teardown(release)
    let isHeld = true
    await context.route('**/api/sessions', async (route) => {
      if (route.request().method() === 'POST' && isHeld) await held
      await route.continue().catch(() => {}) // the page may have stopped it
    })
    await prepare(page, 'Allegro')
    await save(page, /^Saved in this browser. It is being sent/)
    await button(page, 'Record').waitFor()
    t.equal(await page.getByLabel('Piece', { exact: true }).inputValue(), '')
    await page.getByText('Counts 1 session that is not sent yet.').waitFor()
    await page.getByText('= 1').waitFor()
    await page.getByRole('region', { name: 'Sending' }).getByRole('progressbar', { name: 'Upload' }).waitFor()
    await checkAccessibility(t, page, 'sending behind')

    await button(page, 'Stop').click()
    await page.getByText('Stopped. It is only in this browser.').waitFor()
    await row(page, 'Allegro').getByText('not sent').waitFor()
    await checkAccessibility(t, page, 'sending stopped')
    isHeld = false
    await button(page, 'Send').click()
    await row(page, 'Allegro').getByText('not sent').waitFor({ state: 'detached' })
    await page.getByText('Saved.', { exact: true }).waitFor()
    await page.getByText(/^Counts .* not sent yet/).waitFor({ state: 'detached' }) // the figures follow the save
    await context.unroute('**/api/sessions')
    t.equal(await row(page, 'Allegro').count(), 1)
  })

  await t.test('opens with the history, an opened session and a played recording', async (t) => {
    await page.getByLabel('Add a score').setInputFiles(SCORE)
    await prepare(page, 'Prelude')
    await save(page)
    await row(page, 'Prelude').getByText('waiting').waitFor({ state: 'detached' })
    await prepare(page, 'Not opened')
    await save(page)
    await row(page, 'Not opened').getByText('waiting').waitFor({ state: 'detached' })
    await forgetRecordings(page)
    await page.reload()
    await row(page, 'Prelude').click()
    await button(page, 'Download score').waitFor()
    await listenTo(page, 'Prelude')
    // Not by `waitForFunction`, which waits for no promise.
    await until(() =>
      page.evaluate(async () => {
        for (const name of await caches.keys()) {
          const kept = await (await caches.open(name)).keys()
          if (kept.some(({ url }) => url.includes('/recording/'))) return true
        }
        return false
      })
    )
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const total = await page.locator('.figures').innerText()

    await disconnect()
    await page.reload()
    await row(page, 'Prelude').waitFor()
    await page.getByText(/^You are offline\. Your journal is shown as of \d\d:\d\d\./).waitFor()
    await page.getByText('= 1').waitFor()
    t.equal(await page.locator('.figures').innerText(), total)
    await row(page, 'Prelude').click()
    await button(page, 'Show score').click()
    await page.locator('.sheet svg').waitFor()
    await checkAccessibility(t, page, 'offline after a reload')
    await row(page, 'Prelude').click()
    await listenTo(page, 'Prelude')
    await row(page, 'Not opened').click()
    await page.getByText('The server cannot be reached.').first().waitFor()
  })

  await t.test('saves practice, and sends it when there is a network', async (t) => {
    await page.getByLabel('Piece', { exact: true }).fill('Gigue')
    await button(page, 'Enter minutes').click()
    await page.getByLabel('Minutes practised').fill('95')
    await save(page, /^Saved in this browser/)
    await page.getByText('1 h 35 min', { exact: true }).first().waitFor()
    await page.reload()
    await row(page, 'Gigue').getByText('waiting').waitFor()
    await button(page, 'Progress').click()
    const progress = page.getByRole('region', { name: 'Progress' })
    await progress.getByText('1 h 35 min in 4 sessions').waitFor()
    await progress.getByText(/^As of \d\d:\d\d\. Counts 1 session that is not sent yet\.$/).waitFor()
    await progress.locator('.react-activity-calendar__calendar').waitFor()
    await checkAccessibility(t, page, 'progress offline')
    await connect()
    await row(page, 'Gigue').getByText('waiting').waitFor({ state: 'detached' })
    await page.getByText(/^You are offline/).waitFor({ state: 'detached' })
    t.equal(await row(page, 'Gigue').count(), 1)
  })

  await t.test('merges offline changes with those of another device', async (t) => {
    const authorization = `Bearer ${await tokenOf(page)}`
    const otherDevice = async (method: string, path = '', body?: object) => {
      const response = await fetch(`${journal.api}/api/sessions${path}`, {
        method,
        headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
        body: body ? JSON.stringify(body) : null
      })
      t.ok(response.ok, `${method} by the other device`)
      return response
    }
    const songs = async () => {
      const rows = (await (await otherDevice('GET')).json()) as { id: string; song_name: string }[]
      return new Map(rows.map(({ id, song_name: song }) => [song, id]))
    }
    const entry = (song: string) => page.locator('.entry', { hasText: song })
    for (const song of ['Prelude', 'Allegro']) {
      await row(page, song).click()
      await entry(song).getByRole('button', { name: 'Edit' }).waitFor()
    }

    await disconnect()
    await entry('Prelude').getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('form', { name: 'Edit Prelude' }).getByLabel('Minutes practised').fill('30')
    await button(page, 'Save changes').click()
    await entry('Allegro').getByRole('button', { name: 'Delete' }).click()
    await button(page, 'Delete now').click()
    await page.getByText('Deleted “Allegro”.').waitFor()
    await page.reload()
    await row(page, 'Prelude').getByText('30 min').waitFor()
    t.equal(await row(page, 'Allegro').count(), 0)

    const ids = await songs()
    await otherDevice('PATCH', `/${ids.get('Prelude')}`, { instrument: 'Viola' })
    await otherDevice('DELETE', `/${ids.get('Not opened')}`)
    await otherDevice('POST', '', { songName: 'Minuet', instrument: 'Flute', duration: 600 })

    await connect()
    await row(page, 'Minuet').waitFor()
    await row(page, 'Prelude').getByText('waiting').waitFor({ state: 'detached' })
    await row(page, 'Prelude').getByText('Viola').waitFor()
    t.match(await row(page, 'Prelude').innerText(), /30 min/)
    t.strictSame(
      await page
        .locator('.song')
        .allInnerTexts()
        .then((shown) => shown.sort()),
      ['Gigue', 'Minuet', 'Prelude']
    )
    await until(async () => !(await songs()).has('Allegro')) // its deletion is sent after the edit
    t.strictSame([...(await songs()).keys()].sort(), ['Gigue', 'Minuet', 'Prelude'])
  })

  await t.test('keeps nothing of the API or the sign-in in its files', async (t) => {
    const kept = await page.evaluate(async () => {
      const names = (await caches.keys()).filter((name) => name.startsWith('journal-shell:'))
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
      return requests.flat().map(({ url }) => url)
    })
    t.ok(kept.includes(`${journal.origin}/`))
    t.strictSame(
      kept.filter(
        (url) => !/^\/((assets|icons)\/[^?]+|manifest\.webmanifest)?$/.test(url.slice(journal.origin.length))
      ),
      []
    )
  })

  await t.test('removes what it kept at sign-out', async (t) => {
    await button(page, 'Sign out').click()
    await button(page, 'Sign in').waitFor()
    const left = await page.evaluate(async () => {
      const databases = await indexedDB.databases()
      const answers = await Promise.all(
        databases
          .filter(({ name }) => name?.startsWith('harmony-helper-outbox:') && !name.endsWith(':lease'))
          .map(
            ({ name }) =>
              new Promise<number>((resolve) => {
                const opening = indexedDB.open(name!)
                opening.onsuccess = () => {
                  const counting = opening.result.transaction('heard').objectStore('heard').count()
                  counting.onsuccess = () => {
                    opening.result.close()
                    resolve(counting.result)
                  }
                }
              })
          )
      )
      const recordings = (await caches.keys()).filter((name) => name.startsWith('practice-recordings:'))
      return { answers, recordings }
    })
    t.strictSame(left, { answers: [0], recordings: [] })
  })

  await t.test('shows nothing of another user who signs in in another tab', async (t) => {
    await signIn(page)
    await row(page, 'Gigue').waitFor()
    const other = await open(context)
    await button(other, 'Sign out').click()
    await button(other, 'Sign in').waitFor()
    await other.route(
      (url) => url.pathname === '/authorize',
      (route, request) => {
        const url = new URL(request.url())
        url.searchParams.set('login_hint', 'auth0|robert')
        return route.fulfill({ status: 302, headers: { location: url.href } })
      }
    )
    await signIn(other)
    await other.getByText('No sessions yet').waitFor()
    await prepare(other, 'Only mine')
    await save(other)
    await page.evaluate(() => dispatchEvent(new Event('focus')))
    await page.getByText(/sign-in has expired/).waitFor()
    t.equal(await row(page, 'Only mine').count(), 0)
    await other.close()
  })

  await t.test('shows a new version at the next start, and removes the earlier one', async (t) => {
    const shells = (page: Page) =>
      page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith('journal-shell:')))
    const [earlier] = await shells(page)
    /** The browser may take a moment to notice that a page is closed, which keeps the earlier version. */
    async function startAfter(earlier: string): Promise<Page> {
      for (let attempt = 1; ; attempt++) {
        const page = await open(context)
        await page.waitForTimeout(1_000)
        if (attempt === 20 || !(await shells(page)).includes(earlier)) return page
        await page.close()
        await new Promise((resolve) => {
          setTimeout(resolve, 1_000)
        })
      }
    }
    journal.serve('mock')
    await page.close()
    const next = await open(context)
    await next.getByText('Stored in this browser').waitFor()
    await until(() => next.evaluate(async () => Boolean((await navigator.serviceWorker.ready).waiting)))
    await next.close()
    const last = await startAfter(earlier!)
    const [shell, ...others] = await shells(last)
    t.not(shell, earlier)
    t.strictSame(others, [])
    await disconnect()
    await last.reload()
    await last.getByText('Stored in this browser').waitFor()
  })
})

/** As if the recordings had been made on another device. */
function forgetRecordings(page: Page) {
  return page.evaluate(async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('practice-recordings:')) await caches.delete(name)
    }
  })
}
