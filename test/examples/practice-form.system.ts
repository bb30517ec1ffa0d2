import { readFile } from 'node:fs/promises'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { findChromium } from '../client/helpers/browser.ts'
import { checkAccessibility } from './helpers/accessibility.ts'
import { button, holdMicrophone, record, row, save, SCORE } from './helpers/actions.ts'
import { startBrowser } from './helpers/browser.ts'
import { compressedScore } from './helpers/compressed-score.ts'
import { startLocalJournal } from './helpers/journal-site.ts'

const { chromium, skip } = await findChromium()
t.setTimeout(580_000)

const LATIN_1 = Buffer.from(
  '<?xml version="1.0" encoding="ISO-8859-1"?><score-partwise><work><work-title>F\xfcr Elise</work-title></work></score-partwise>',
  'latin1'
)

t.test('the practice form', { skip }, async (t) => {
  t.setTimeout(580_000)
  const [journal, browser] = await Promise.all([startLocalJournal(t), startBrowser(t, chromium)])

  async function open(t: Test): Promise<Page> {
    const context: BrowserContext = await browser.newContext({
      reducedMotion: 'reduce',
      serviceWorkers: 'block', // Playwright does not see what they answer
      permissions: ['microphone'],
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB'
    })
    context.setDefaultTimeout(60_000) // for slow machines
    t.teardown(() => context.close())
    const page = await context.newPage()
    page.on('pageerror', (error) => t.fail('an uncaught error', { error }))
    page.on('dialog', (dialog) => dialog.accept())
    await page.goto(journal.origin)
    await page.getByText('No sessions yet').waitFor()
    return page
  }
  const piece = (page: Page) => page.getByLabel('Piece', { exact: true })
  const minutes = (page: Page) => page.getByLabel('Minutes practised')
  const focused = (page: Page) =>
    page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim())

  await t.test('saves practice without a recording, by the minutes that were typed', async (t) => {
    const page = await open(t)
    await piece(page).fill('Sonata')
    await page.getByLabel('Instrument', { exact: true }).fill('Oboe')
    await piece(page).press('Enter')
    await page.getByText('There is no practice to save yet.').waitFor()
    t.equal(await focused(page), 'minutes', 'Enter says what is missing')
    await checkAccessibility(t, page, 'nothing to save')
    await minutes(page).fill('95')
    await page.getByLabel('Played at').fill('2026-03-01T08:30')
    await page.getByText('Sunday 1 March, 08:30, Europe/Berlin time').waitFor()
    await minutes(page).press('Enter')
    await page.getByText('Saved.').waitFor()
    t.equal(await focused(page), 'practice-title', 'the focus is not lost with the form')
    t.match(await row(page, 'Sonata').innerText(), /1 h 35 min/)
    t.equal(await button(page, 'Play Sonata').count(), 0)
    await row(page, 'Sonata').click()
    await page.getByText('No recording.').waitFor()
  })

  await t.test('measures practice with a timer that goes on during a reload', async (t) => {
    const page = await open(t)
    await page.clock.install()
    await piece(page).fill('Scales')
    await page.getByLabel('Instrument', { exact: true }).fill('Viola')
    await button(page, 'Start timer').click()
    await page.clock.fastForward('20:00')
    await page.getByRole('timer').getByText(/^20:/).waitFor()
    await piece(page).press('Enter')
    await page.getByText('Stop the timer, then save.').waitFor()
    await checkAccessibility(t, page, 'timer')
    await page.reload()
    await page.getByText('The timer is still running.').waitFor()
    await page.clock.fastForward('05:00')
    await button(page, 'Stop timer').click()
    t.equal(await focused(page), 'Continue timer')
    t.equal(await minutes(page).inputValue(), '25')
    await button(page, 'Continue timer').click()
    await page.clock.fastForward('01:00:00')
    await button(page, 'Stop timer').click()
    await checkAccessibility(t, page, 'timer stopped')
    await save(page)
    t.match(await row(page, 'Scales').innerText(), /1 h 25 min/)
    await button(page, 'Start timer').waitFor()
  })

  await t.test('keeps the focus when a recording stops, and lets its length be changed', async (t) => {
    const page = await open(t)
    await record(page, 'Étude', 1)
    await piece(page).press('Enter')
    await page.getByText('Stop the recording, then save.').waitFor()
    await button(page, 'Stop').press('Enter')
    await page.getByText(/^Stopped after/).waitFor()
    await page.waitForFunction(() => document.activeElement?.id === 'your-recording')
    await minutes(page).fill('40')
    await button(page, 'Save').press('Enter')
    await page.getByText('Saved.').waitFor()
    t.equal(await focused(page), 'practice-title')
    t.match(await row(page, 'Étude').innerText(), /40 min/)
  })

  await t.test(
    'keeps typed minutes when the microphone is denied, also after a second click on Record',
    async (t) => {
      const page = await open(t)
      const deny = await holdMicrophone(page)
      await button(page, 'Enter minutes').click()
      await minutes(page).fill('40')
      for (let click = 0; click < 2; click++) await button(page, 'Record').click()
      await page.getByText('Waiting for the microphone…').waitFor()
      t.equal(await page.getByText('Recording.', { exact: true }).count(), 0)
      await deny()
      await page.getByText('The browser may not use the microphone.').waitFor()
      t.equal(await minutes(page).inputValue(), '40')
    }
  )

  await t.test('reads compressed scores and other encodings, and removes a score alone', async (t) => {
    const page = await open(t)
    const add = (name: string, buffer: Buffer) =>
      page.getByLabel(/(Add a|Replace the) score/).setInputFiles({ name, mimeType: '', buffer })
    await add('elise.xml', LATIN_1)
    await page.waitForFunction(() =>
      [...document.querySelectorAll('input')].some(({ value }) => value === 'Für Elise')
    )
    await button(page, 'Remove the score').click()
    await page.getByText('The score was removed.').waitFor()
    t.equal(await page.locator('.sheet').count(), 0)
    t.equal(await piece(page).inputValue(), 'Für Elise')

    await add('ode.mxl', compressedScore(await readFile(SCORE)))
    await page.locator('.sheet svg').waitFor()
    await add('cut.musicxml', (await readFile(SCORE)).subarray(0, 1000))
    await page.getByText('cut.musicxml is not MusicXML, or it is damaged.').waitFor()
    await page.evaluate(() => Reflect.deleteProperty(globalThis, 'DecompressionStream'))
    await add('ode.mxl', compressedScore(await readFile(SCORE)))
    await page.getByText('This browser cannot open compressed scores.').waitFor()
  })

  await t.test(
    'tells the allowed sizes before a file is chosen, and refuses a larger one at once',
    async (t) => {
      const page = await open(t)
      const input = page.locator('button', { hasText: 'Choose a recording' })
      const describedBy = (await input.getAttribute('aria-describedby'))!
      t.match(await page.locator(`#${describedBy}`).innerText(), /up to 50 MB\. .* up to 10 MB\./)
      const dataTransfer = await page.evaluateHandle(() => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([new Uint8Array(53_000_000)], 'concert.wav', { type: 'audio/wav' }))
        return transfer
      })
      await page.dispatchEvent('main', 'drop', { dataTransfer })
      await page.getByText('concert.wav has 51 MB. A recording can have at most 50 MB.').waitFor()
    }
  )

  await t.test('stops a recording before it is too large to be saved', async (t) => {
    const page = await open(t)
    await page.evaluate(() => {
      const start = MediaRecorder.prototype.start
      MediaRecorder.prototype.start = function (interval) {
        const { ondataavailable } = this
        this.ondataavailable = ({ data }) => {
          const large = new Blob([data, new Uint8Array(52_400_000)], { type: data.type })
          ondataavailable?.call(this, new BlobEvent('dataavailable', { data: large }))
        }
        start.call(this, interval)
      }
    })
    await piece(page).fill('Marathon')
    await button(page, 'Record').click()
    await page.getByText(/^The recording has reached 50 MB/).waitFor()
    await button(page, 'Discard').click()
  })

  await t.test('draws the clef of the instrument, or none', async (t) => {
    const page = await open(t)
    const clef = async (instrument: string) => {
      await page.getByLabel('Instrument', { exact: true }).fill(instrument)
      return page.locator('.staff .clef path').count()
    }
    t.equal(await clef('Cello'), 1)
    t.equal(await clef('Drums'), 0)
  })

  await t.test('says that site data is blocked', async (t) => {
    const context = await browser.newContext()
    t.teardown(() => context.close())
    await context.addInitScript(() => {
      Object.defineProperty(globalThis, 'localStorage', {
        get() {
          throw new DOMException('The operation is insecure.', 'SecurityError')
        }
      })
    })
    const page = await context.newPage()
    await page.goto(journal.origin)
    await page.getByText('This browser blocks site data for this page.').waitFor()
    await checkAccessibility(t, page, 'blocked')
  })
})
