import { access } from 'node:fs/promises'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'
]

/** Why there is no browser to test with; false where there is one. In CI there has to be one. */
export async function noBrowser (): Promise<string | false> {
  const missing = await access(EXECUTABLE).then(() => false, () => true)
  if (!missing) return false
  const reason = `There is no Chromium at ${EXECUTABLE}: install the package chromium, or set CHROMIUM`
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

export async function startBrowser (t: Test): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS })
  t.teardown(() => browser.close())
  return browser
}
