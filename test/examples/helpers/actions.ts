import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

/** What a person does, and what they see, in the words of the page. */

export const SCORE = fileURLToPath(new URL('../../fixtures/ode-to-joy.musicxml', import.meta.url))
export const RECORDING = fileURLToPath(new URL('../../fixtures/recording.webm', import.meta.url))

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
export const row = (page: Page, song: string) => page.getByRole('button', { name: new RegExp(`^${song}`) })

export async function signIn (page: Page) {
  await button(page, 'Sign in').click()
  await button(page, 'Sign out').waitFor()
}

/** Names a new session and takes a recording from a file. */
export async function prepare (page: Page, song: string, instrument = 'Cello') {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill(instrument)
  await page.getByLabel('Pick a recording').setInputFiles(RECORDING)
  await page.getByText('0:00 / 0:03').waitFor()
}

export async function save (page: Page, outcome: RegExp | string = 'Saved.') {
  await button(page, 'Save').click()
  await page.getByText(outcome).waitFor()
}

export async function record (page: Page, song: string, seconds: number) {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill('Violin')
  await button(page, 'Record').click()
  await page.getByRole('timer').getByText(`0:0${seconds}`).waitFor()
}

/** Plays until sound has been heard: the position moves. */
export async function listen (page: Page, player: string) {
  const group = page.getByRole('group', { name: player })
  await group.getByRole('button', { name: 'Play' }).click()
  await page.waitForFunction(() => [...document.querySelectorAll('audio')].some(audio => audio.currentTime > 0.3))
  await group.getByRole('button', { name: 'Pause' }).click()
}

export async function downloaded (page: Page, name: string): Promise<{ name: string, bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, name).click()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

/** axe-core finds nothing, in light and in dark. */
export async function accessible (t: Test, page: Page, what: string) {
  await page.evaluate(axeSource)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const violations = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run()
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`)
    })
    t.strictSame(violations, [], `${what}, ${colorScheme}`)
  }
}

/** Everything that the page says, apart from times of day. */
export async function said (page: Page): Promise<string> {
  const text = await page.getByRole('main').ariaSnapshot()
  return text.replace(/\b\d\d:\d\d\b/g, '(time)')
}
