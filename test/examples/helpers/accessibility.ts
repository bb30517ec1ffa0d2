import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const FOLDER = fileURLToPath(new URL('../../../.screenshots/', import.meta.url))
const SIZES = {
  narrow: { width: 320, height: 640 },
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 900 }
}

/**
 * Expects no findings of axe-core, in light and dark mode, no horizontal scrolling at 320 pixels (WCAG 1.4.10),
 * and no scrolling beyond the end of the page. `npm run journal:screenshots` also takes screenshots, in forced
 * colours as well.
 */
export async function checkAccessibility(t: Test, page: Page, what: string) {
  if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(axeSource)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    t.strictSame(await violations(page, colorScheme), [], `${what}, ${colorScheme}`)
    if (process.env['SCREENSHOTS']) await takeScreenshots(page, `${what}-${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  if (process.env['SCREENSHOTS']) {
    await page.emulateMedia({ forcedColors: 'active' })
    await takeScreenshots(page, `${what}-forced`)
    await page.emulateMedia({ forcedColors: 'none' })
  }
  t.strictSame(await tooWide(page), [], `${what}, at 320 pixels`)
  t.equal(await emptyBelow(page), 0, `${what}, no empty space below the page`)
}

/** The elements that reach beyond a page of 320 pixels. */
async function tooWide(page: Page): Promise<string[]> {
  const before = page.viewportSize()!
  await page.setViewportSize(SIZES.narrow)
  const found = await page.evaluate(() =>
    document.documentElement.scrollWidth <= innerWidth
      ? []
      : [...document.querySelectorAll('body *')]
          .filter((element) => element.getBoundingClientRect().right > innerWidth)
          .map(({ outerHTML }) => outerHTML.slice(0, 80))
  )
  await page.setViewportSize(before)
  return found
}

/** Pixels that can be scrolled below the end of the page. */
function emptyBelow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const end = scrollY + document.querySelector('main')!.getBoundingClientRect().bottom
    return Math.max(0, Math.floor(document.documentElement.scrollHeight - Math.max(end, innerHeight)))
  })
}

function violations(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  return page.evaluate(async (colorScheme) => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    // Excludes the drawn score, which is one image. In dark mode only colours differ.
    const { violations } = await axe.run(
      { exclude: ['.sheet svg'] },
      {
        resultTypes: ['violations'],
        ...(colorScheme === 'dark' && {
          runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }
        })
      }
    )
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`
    )
  }, colorScheme)
}

async function takeScreenshots(page: Page, name: string) {
  const before = page.viewportSize()!
  // Draws what is out of sight as well.
  await page.addStyleTag({ content: '.day { content-visibility: visible !important }' })
  await mkdir(FOLDER, { recursive: true })
  for (const [size, viewport] of Object.entries(SIZES)) {
    const hasDialog = await page.locator('dialog[open]').count()
    await page.setViewportSize({ ...viewport, ...(hasDialog && { height: 1600 }) })
    if (await page.locator('.sheet svg').count()) await page.waitForTimeout(1_000) // it is drawn again
    await page.evaluate(() => scrollTo(0, 0)) // resets sticky elements
    await page.screenshot({ path: join(FOLDER, `${name}-${size}.png`), fullPage: true })
  }
  await page.setViewportSize(before)
}
