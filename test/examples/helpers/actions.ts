import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from 'playwright-core'

/** Actions of a user on the page. */

export const SCORE = fileURLToPath(new URL('../../fixtures/ode-to-joy.musicxml', import.meta.url))
export const RECORDING = fileURLToPath(new URL('../../fixtures/recording.webm', import.meta.url))

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
export const row = (page: Page, song: string) => page.getByRole('button', { name: new RegExp(`^${song}`) })

export async function signIn(page: Page) {
  await button(page, 'Sign in').click()
  await button(page, 'Sign out').waitFor()
}

/** The access token in Auth0's cache. */
export function tokenOf(page: Page): Promise<string> {
  return page.evaluate(() =>
    Object.values(localStorage)
      .map((value) => JSON.parse(value)?.body?.access_token)
      .find(Boolean)
  )
}

/** Names a new session and chooses a file as its recording. */
export async function prepare(page: Page, song: string, instrument = 'Cello') {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill(instrument)
  await page.getByLabel('Choose a recording').setInputFiles(RECORDING)
  await page.getByText('0:00 / 0:03').waitFor()
}

export async function save(page: Page, outcome: RegExp | string = 'Saved.') {
  await button(page, 'Save').click()
  await page.getByText(outcome).waitFor()
}

/** Waits until a saved session is in the account. `save` may see the message of an earlier one. */
export async function waitUntilSent(page: Page, song: string) {
  await row(page, song).waitFor()
  await row(page, song).getByText('waiting').waitFor({ state: 'detached' })
  await page.getByText('Saved.', { exact: true }).waitFor()
}

export async function record(page: Page, song: string, seconds: number) {
  await page.getByLabel('Piece', { exact: true }).fill(song)
  await page.getByLabel('Instrument', { exact: true }).fill('Violin')
  await button(page, 'Record').click()
  await page.getByRole('timer').getByText(`0:0${seconds}`).waitFor()
}

/** Plays the recording of the current session until its position has moved, then pauses. */
export async function listen(page: Page) {
  const player = page.getByRole('group', { name: 'Your recording' })
  await player.getByRole('button', { name: 'Play' }).click()
  await isHeard(page)
  await pause(page, player.getByRole('button', { name: 'Pause' }))
}

/** Plays a session from its row until its position has moved, then pauses. */
export async function listenTo(page: Page, song: string) {
  await button(page, `Play ${song}`).first().click()
  await isHeard(page)
  await pause(page, button(page, `Pause ${song}`))
}

/** Waits until a recording has played. On a busy machine a short one may be over by then. */
export async function isHeard(page: Page) {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('audio')].some(({ played }) => played.length > 0 && played.end(0) > 0.3)
  )
}

/** Pauses what still plays. */
async function pause(page: Page, button: Locator) {
  const isPlaying = () => [...document.querySelectorAll('audio')].some(({ paused }) => !paused)
  if (await page.evaluate(isPlaying)) await button.click()
}

export async function download(page: Page, name: string): Promise<{ name: string; bytes: Buffer }> {
  const [file] = await Promise.all([page.waitForEvent('download'), button(page, name).click()])
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
}

type Dropped = { name: string; type: string; path?: string }

/** Drags files over the page. Call the returned function to drop them. */
export async function drag(page: Page, files: Dropped[]): Promise<() => Promise<void>> {
  const contents = await Promise.all(
    files.map(async ({ path, ...file }) => ({ ...file, base64: path ? await readFile(path, 'base64') : '' }))
  )
  const dataTransfer = await page.evaluateHandle((contents) => {
    const transfer = new DataTransfer()
    for (const { name, type, base64 } of contents) {
      transfer.items.add(
        new File([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], name, { type })
      )
    }
    return transfer
  }, contents)
  await page.dispatchEvent('main', 'dragover', { dataTransfer })
  return () => page.dispatchEvent('main', 'drop', { dataTransfer })
}

/** Makes the next request for the microphone fail, or disconnects the microphone on an `unplug` event. */
export function breakMicrophone(page: Page, how: 'NotAllowedError' | 'NotFoundError' | 'unplugged') {
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

/** Makes the browser ask for the microphone until the returned function denies it. */
export async function holdMicrophone(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      new Promise((_resolve, reject) => {
        addEventListener('deny', () => reject(new DOMException('', 'NotAllowedError')), { once: true })
      })
  })
  return () =>
    page.evaluate(() => {
      dispatchEvent(new Event('deny'))
    })
}

/** Advances the page's clock until something is shown. Needs `page.clock.install`. */
export async function fastForwardUntil(page: Page, shown: Locator) {
  const deadline = Date.now() + 60_000
  while (!(await shown.isVisible()) && Date.now() < deadline) await page.clock.fastForward(1_000)
  await shown.waitFor()
}

/** The text of the page, without times of day and empty status regions. */
export async function pageText(page: Page): Promise<string> {
  const text = await page.getByRole('main').ariaSnapshot()
  return text.replace(/\b\d\d:\d\d\b/g, '(time)').replace(/^ *- status\n/gm, '')
}
