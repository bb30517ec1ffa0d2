import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { buildClient } from './build.ts'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const scenarios = fileURLToPath(new URL('./page.ts', import.meta.url))
export const BROWSER_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.html': 'text/html'
}

/** Provides the client's peer dependencies: Zustand's own modules, and React wrapped as a module. */
const PAGE = `<!doctype html>
<script type="importmap">{ "imports": {
  "zustand": "/zustand/esm/index.mjs", "zustand/vanilla": "/zustand/esm/vanilla.mjs", "zustand/react": "/zustand/esm/react.mjs", "react": "/react.js"
} }</script>
<script type="module">import * as scenarios from '/page.js'; globalThis.scenarios = scenarios</script>`

export type Browser = { origin: string; context: BrowserContext; newPage: () => Promise<Page> }

/** The path of Chromium, or the reason to skip tests that need it. Throws in CI, which must not skip them. */
export async function findChromium(): Promise<{ chromium: string; skip: string | false }> {
  for (const path of ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']) {
    if (
      await access(path).then(
        () => true,
        () => false
      )
    ) {
      return { chromium: path, skip: false }
    }
  }
  if (process.env['CI'] === 'true') throw new Error('CI needs Chromium: install it')
  return { chromium: '', skip: 'Chromium is not installed' }
}

/** Starts a headless Chromium and serves the built client, without a bundler, on its own origin. */
export async function startBrowser(t: Test, executablePath: string): Promise<Browser> {
  const origin = await serve(t, await buildClient(t))
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGS })
  t.teardown(() => browser.close())
  const context = await browser.newContext()
  return {
    origin,
    context,
    async newPage() {
      const page = await context.newPage()
      await page.goto(origin)
      return page
    }
  }
}

async function serve(t: Test, directory: string): Promise<string> {
  const generated = new Map([
    ['/', PAGE],
    [
      '/react.js',
      await bundle({ stdin: { contents: 'export { default } from "react"', resolveDir: modules } })
    ],
    ['/page.js', await bundle({ entryPoints: [scenarios], plugins: [externalClient] })]
  ])
  const server = createServer(async ({ url = '/' }, response) => {
    const file = url.startsWith('/zustand/') ? join(modules, url) : join(directory, url)
    const content = generated.get(url) ?? (await readFile(file).catch(() => undefined))
    response
      .writeHead(content === undefined ? 404 : 200, { 'content-type': TYPES[extname(url)] ?? 'text/html' })
      .end(content)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

/** Excludes the client from the bundle: the page loads its built files. */
const externalClient: Plugin = {
  name: 'external client',
  setup: ({ onResolve }) =>
    onResolve({ filter: /src\/client\/.*\.ts$/ }, ({ path }) => ({
      path: path.replace(/^.*src\/(client\/.*)\.ts$/, '/$1.js'),
      external: true
    }))
}

async function bundle(options: Parameters<typeof build>[0]): Promise<string> {
  const { outputFiles = [] } = await build({
    ...options,
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' }
  })
  return outputFiles[0]?.text ?? ''
}
