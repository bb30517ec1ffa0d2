import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream'
]

/** A headless Chromium with a microphone that beeps once a second. */
export async function startBrowser(t: Test, executablePath: string): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  t.teardown(() => browser.close())
  return browser
}
