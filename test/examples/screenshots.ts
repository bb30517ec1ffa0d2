/** `npm run journal:screenshots` takes pictures of every page of the practice journal, for people to look at. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { findChromium } from '../client/helpers/browser.ts'
import { startBrowser } from './helpers/browser.ts'
import { startJournal, type Mode } from './helpers/journal.ts'
import { localDocument, practised } from './helpers/practised.ts'

const FOLDER = fileURLToPath(new URL('../../.screenshots/', import.meta.url))
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } }

type Scene = { name: string, mode: Mode, history?: 'local', play?: (page: Page) => Promise<unknown> }

const SCENES: Scene[] = [
  { name: 'cover', mode: 'account', play: page => page.getByRole('button', { name: 'Sign in' }).waitFor() },
  { name: 'empty', mode: 'mock', play: page => page.getByText('The first bar is yours').waitFor() },
  { name: 'journal', mode: 'mock', history: 'local', play: page => page.getByText('Hanon').waitFor() },
  { name: 'session', mode: 'mock', history: 'local', play: openSession },
  { name: 'recording', mode: 'mock', history: 'local', play: record },
  { name: 'recorded', mode: 'mock', history: 'local', play: recordWithScore },
  { name: 'import', mode: 'account', history: 'local', play: importAll },
  { name: 'offline', mode: 'account', play: saveOffline }
]

t.setTimeout(600_000)
t.test('screenshots of the practice journal', async t => {
  await mkdir(FOLDER, { recursive: true })
  const journal = await startJournal(t)
  const browser = await startBrowser(t, (await findChromium()).chromium)
  for (const scene of SCENES) {
    journal.serve(scene.mode)
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1.5, permissions: ['microphone'] })
        await shoot(context, journal.origin, scene, join(FOLDER, `${scene.name}-${size}-${colorScheme}.png`))
        await context.close()
      }
    }
  }
  t.comment(`The screenshots are in ${FOLDER}`)
})

async function shoot (context: BrowserContext, origin: string, { history, play }: Scene, path: string) {
  const local = localDocument(history ? await practised() : [])
  await context.addInitScript(local => localStorage.setItem('harmony-helper-storage', local), local)
  const page = await context.newPage()
  await page.goto(origin)
  await play?.(page)
  await page.screenshot({ path, fullPage: true })
}

async function openSession (page: Page) {
  await page.getByRole('button', { name: /^Ode to Joy/ }).first().click()
  await page.getByRole('button', { name: 'Show score' }).click()
  await page.locator('.sheet svg').waitFor()
}

async function record (page: Page) {
  await page.getByLabel('Piece', { exact: true }).fill('Clair de lune')
  await page.getByRole('button', { name: 'Record', exact: true }).click()
  await page.getByRole('timer').getByText('0:05').waitFor()
}

async function recordWithScore (page: Page) {
  await page.getByLabel('Add a score').setInputFiles('test/fixtures/ode-to-joy.musicxml')
  await page.locator('.sheet svg').waitFor()
  await page.getByLabel('Pick a recording').setInputFiles('test/fixtures/recording.webm')
  await page.getByText('0:00 / 0:03').waitFor()
}

async function signIn (page: Page) {
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Clara').waitFor()
}

async function importAll (page: Page) {
  await signIn(page)
  await page.getByRole('button', { name: /^Import/ }).click()
  await page.getByText(/imported/).waitFor()
  await page.getByText('Hanon').waitFor()
}

async function saveOffline (page: Page) {
  await signIn(page)
  await recordWithScore(page)
  await page.context().setOffline(true)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('It waits for the network').waitFor()
}
