import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { findChromium } from '../client/helpers/browser.ts'
import { unzip } from '../helpers/unzip.ts'
import { checkAccessibility } from './helpers/accessibility.ts'
import { button, download, prepare, row, save, signIn, waitUntilSent } from './helpers/actions.ts'
import { startBrowser } from './helpers/browser.ts'
import { startJournalSite } from './helpers/journal-site.ts'

const { chromium, skip } = await findChromium()
t.setTimeout(300_000)

t.test('my data: figures, export, import, deletion', { skip }, async (t) => {
  t.setTimeout(300_000)
  const [journal, browser] = await Promise.all([startJournalSite(t), startBrowser(t, chromium)])
  journal.serve('account')
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB'
  })
  t.teardown(() => context.close())
  context.setDefaultTimeout(60_000)
  // The file picker of the system cannot be used by a test. Other browsers have none.
  await context.addInitScript('delete window.showSaveFilePicker')
  const page = await context.newPage()
  page.on('pageerror', (error) => t.fail('an uncaught error', { error }))
  await page.goto(journal.origin)
  await signIn(page)
  for (const song of ['Ode to Joy', 'Für Elise']) {
    await prepare(page, song)
    await save(page)
    await waitUntilSent(page, song)
  }
  const dialog = page.getByRole('dialog', { name: 'My data' })
  const open = async (page: Page) => {
    await button(page, 'My data').click()
    await dialog.getByRole('meter', { name: 'Recordings' }).waitFor()
  }

  await open(page)
  t.match(await dialog.innerText(), /Signed in as Clara.*sessions\n2|2\nsessions/s)
  t.match(await dialog.innerText(), /Recordings: \d+ kB of 100 GB/)
  await checkAccessibility(t, page, 'my-data')

  const { name, bytes } = await download(page, 'Export my data')
  t.match(name, /^harmony-helper-\d{4}-\d\d-\d\d\.zip$/)
  const files = unzip(bytes)
  t.equal([...files.keys()].filter((path) => path.endsWith('recording.webm')).length, 2)
  await dialog.getByText(/^Exported, \d+ kB\.$/).waitFor()

  await button(page, 'Close').click()
  let isHeld = true
  await page.route('**/api/sessions', (route) =>
    isHeld && route.request().method() === 'POST' ? route.abort() : route.continue()
  )
  await prepare(page, 'Not sent')
  await save(page, /^Saved in this browser/)
  await open(page)
  const notSent = dialog.getByText(
    '1 session is not sent yet. The export and the figures above leave out what is not sent.'
  )
  await notSent.waitFor()
  await checkAccessibility(t, page, 'my-data-not-sent')
  isHeld = false
  await page.evaluate(() => dispatchEvent(new Event('online')))
  await notSent.waitFor({ state: 'detached' })
  await dialog.getByText('3', { exact: true }).waitFor()

  const archive = join(t.testdir(), name)
  await writeFile(archive, bytes)
  const input = dialog.getByLabel('Import a file')
  await input.setInputFiles(archive)
  await dialog.getByText('0 sessions imported. 2 sessions were already in your journal.').waitFor()
  await input.setInputFiles({ name: 'photo.zip', mimeType: 'application/zip', buffer: Buffer.from('JPEG') })
  await dialog.getByText('This is not a ZIP archive').waitFor()

  await button(page, 'Delete everything…').click()
  const confirm = button(page, 'Delete everything now')
  t.ok(await confirm.isDisabled())
  await page.keyboard.type('delete')
  t.ok(await confirm.isDisabled(), 'not before all words are typed')
  await checkAccessibility(t, page, 'my-data-deletion')
  await page.keyboard.type(' Everything')
  await confirm.click()
  await button(page, 'Sign in').waitFor()
  const left = await page.evaluate(async () => ({ caches: await caches.keys() }))
  t.strictSame(
    left.caches.filter((name) => name.startsWith('practice-')),
    []
  )

  await signIn(page)
  await page.getByText('No sessions yet').waitFor()
  await open(page)
  await dialog.getByLabel('Import a file').setInputFiles(archive)
  await dialog.getByText('2 sessions imported.').waitFor()
  await checkAccessibility(t, page, 'my-data-imported')
  await button(page, 'Close').click()
  await row(page, 'Für Elise').waitFor()
  await button(page, 'Play Für Elise').waitFor()
})
