import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from 'playwright-core'

/** What a person does, and what they see, in the words of the page. */

export const SCORE = fileURLToPath(new URL('../../fixtures/ode-to-joy.musicxml', import.meta.url))
export const RECORDING = fileURLToPath(new URL('../../fixtures/recording.webm', import.meta.url))

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
export const row = (page: Page, song: string) => page.getByRole('button', { name: new RegExp(`^${song}`) })

export async function signIn(page: Page) {
  await button(page, 'Sign in').click()
  await button(page, 'Sign out').waitFor()
}

/** Names a new session and takes a recording from a file. */
export async function prepare(page: Page, song: string, instrument = 'Cello') {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill(instrument)
  await page.getByLabel('Pick a recording').setInputFiles(RECORDING)
  await page.getByText('0:00 / 0:03').waitFor()
}

export async function save(page: Page, outcome: RegExp | string = 'Saved.') {
  await button(page, 'Save').click()
  await page.getByText(outcome).waitFor()
}

export async function record(page: Page, song: string, seconds: number) {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill('Violin')
  await button(page, 'Record').click()
  await page.getByRole('timer').getByText(`0:0${seconds}`).waitFor()
}

/** Plays until sound has been heard: the position moves. */
export async function listen(page: Page, player: string) {
  const group = page.getByRole('group', { name: player })
  await group.getByRole('button', { name: 'Play' }).click()
  await page.waitForFunction(() =>
    [...document.querySelectorAll('audio')].some((audio) => audio.currentTime > 0.3)
  )
  await group.getByRole('button', { name: 'Pause' }).click()
}

export async function downloaded(page: Page, name: string): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, name).click()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

type Dropped = { name: string; type: string; path?: string }

/** Drags files over the page; lets go of them when that is called. */
export async function drag(page: Page, files: Dropped[]): Promise<() => Promise<void>> {
  const contents = await Promise.all(
    files.map(async ({ path, ...file }) => ({ ...file, base64: path ? await readFile(path, 'base64') : '' }))
  )
  const dataTransfer = await page.evaluateHandle((contents) => {
    const dragged = new DataTransfer()
    for (const { name, type, base64 } of contents) {
      dragged.items.add(
        new File([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], name, { type })
      )
    }
    return dragged
  }, contents)
  await page.dispatchEvent('main', 'dragover', { dataTransfer })
  return () => page.dispatchEvent('main', 'drop', { dataTransfer })
}

/** Takes the microphone away: before it is asked for, or while it is recording. */
export function loseMicrophone(page: Page, how: 'NotAllowedError' | 'NotFoundError' | 'unplugged') {
  return page.evaluate((how) => {
    const { mediaDevices } = navigator
    const getStream = mediaDevices.getUserMedia.bind(mediaDevices)
    mediaDevices.getUserMedia = async (constraints) => {
      mediaDevices.getUserMedia = getStream
      if (how !== 'unplugged') throw new DOMException('', how)
      const stream = await getStream(constraints)
      addEventListener('unplug', () => stream.getTracks().forEach((track) => track.stop()), { once: true })
      return stream
    }
  }, how)
}

/** Lets the page's time fly until something is shown, for what waits on purpose; needs `page.clock.install`. */
export async function hurry(page: Page, shown: Locator) {
  const patience = Date.now() + 60_000
  while (!(await shown.isVisible()) && Date.now() < patience) await page.clock.fastForward(1_000)
  await shown.waitFor()
}

/** Everything that the page says, apart from times of day and from what has nothing to say. */
export async function said(page: Page): Promise<string> {
  const text = await page.getByRole('main').ariaSnapshot()
  return text.replace(/\b\d\d:\d\d\b/g, '(time)').replace(/^ *- status\n/gm, '')
}
