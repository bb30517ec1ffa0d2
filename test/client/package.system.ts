/**
 * The package of the client as apps get it: packed, installed from the tarball into fresh projects, and used
 * by the code of its README. Needs the npm registry.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import t, { type Test } from 'tap'
import { startIssuer } from '../../src/dev/oidc-issuer.ts'
import { ApiStorageService } from '../../src/client/index.ts'
import { BROWSER_ARGS, findChromium } from './helpers/browser.ts'
import { startFakeApi } from './helpers/fake-api.ts'
import { freshApp, packClient } from './helpers/fresh-app.ts'
import { NEXT_APP, readmeFiles, SERVER_SCRIPT, VITE_APP } from './helpers/fresh-app-files.ts'
import { serveFiles } from './helpers/serve-files.ts'
import { newSession } from './helpers/sessions.ts'

const AUTH0 = ['@auth0/auth0-react@2.27.0', '@auth0/auth0-spa-js@2.27.0']
const react = (version: number) =>
  ['react', 'react-dom', '@types/react', '@types/react-dom'].map((name) => `${name}@${version}`)

const { chromium: executablePath, skip } = await findChromium()
const tarball = await packClient(t)
const readme = await readmeFiles()

t.jobs = 2 // npm waits for the network and the disk

t.test('Node.js', { buffered: true }, async (t) => {
  const { directory, node } = await freshApp(t, [tarball], { ...readme, ...SERVER_SCRIPT })
  const api = await startFakeApi()
  t.teardown(api.kill)

  await t.test('reads the history with a token', async (t) => {
    const getAccessToken = async () => 'token'
    await new ApiStorageService({ baseUrl: api.baseUrl, getAccessToken }).saveSession(newSession())
    const output = await node(['history.mjs'], { API_URL: api.baseUrl, ACCESS_TOKEN: 'token' })
    t.match(output, "songName: 'Ode to Joy'")
  })

  await t.test('creates everything without window and localStorage, and ends by itself', async (t) => {
    t.equal(await node(['render.mjs']), 'function\nfunction\n')
  })

  await t.test('the package has a license, source maps with their sources, and nothing else', async (t) => {
    const file = (path: string) =>
      readFile(join(directory, 'node_modules/@harmony-helper/client', path), 'utf8')
    t.match(await file('LICENSE'), 'MIT License')
    const { sourcesContent } = JSON.parse(await file('client/index.js.map'))
    t.match(sourcesContent, [/export \{ ApiStorageService/])
    const { dependencies } = JSON.parse(await file('package.json'))
    t.equal(dependencies, undefined)
  })
})

for (const version of [18, 19]) {
  t.test(`Vite and React ${version}`, { buffered: true, skip }, async (t) => {
    const packages = [
      ...AUTH0,
      ...react(version),
      'zustand@5',
      'vite@8.3',
      '@vitejs/plugin-react@6.3',
      'typescript@5.9'
    ]
    const { directory, node } = await freshApp(t, [tarball, ...packages], { ...readme, ...VITE_APP })

    await t.test('type-checks', () => node(['node_modules/typescript/bin/tsc', '-p', '.']))

    await t.test('saves a session for a user of Auth0', async (t) => {
      const issuer = await startIssuer({
        audience: 'api',
        users: [{ sub: 'auth0|clara', email: 'c@example.com', name: 'Clara' }]
      })
      t.teardown(() => issuer.close())
      const api = await startFakeApi()
      t.teardown(api.kill)
      await node(['node_modules/vite/bin/vite.js', 'build'], {
        VITE_API_URL: api.baseUrl,
        VITE_AUTH0_DOMAIN: issuer.issuer.slice(0, -1)
      })
      const { page, errors } = await openPage(t, await serveFiles(t, join(directory, 'dist')))
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('button', { name: 'Practise' }).click()
      await page.getByText('Streak: 1').waitFor()
      await page.getByRole('listitem').getByText('Ode to Joy').waitFor()
      t.strictSame(errors, [])
      t.ok(api.requests.some(({ method, path }) => method === 'POST' && path === '/api/sessions'))
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('button', { name: 'Sign in' }).waitFor()
    })
  })
}

t.test('Next.js', { buffered: true, skip }, async (t) => {
  const { 'app/practice.tsx': practice = '' } = readme
  const packages = [...react(19), 'zustand@5', 'next@16', 'typescript@5.9', '@types/node@20']
  const { directory, node } = await freshApp(t, [tarball, ...packages], {
    ...NEXT_APP,
    'app/practice.tsx': practice
  })
  const next = join(directory, 'node_modules/next/dist/bin/next')

  await t.test('builds, type-checks and renders on the server', async (t) => {
    await node([next, 'build'], { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' })
    t.match(await readFile(join(directory, '.next/server/app/index.html'), 'utf8'), /Sessions: <!-- -->0/)
  })

  await t.test('shows the history in the browser', async (t) => {
    const { page, errors } = await openPage(t, await startNext(t, directory))
    await page.getByText('Sessions: 0').waitFor()
    await page.evaluate(() => {
      const state = { history: [{ id: '1', date: '2026-01-01T00:00:00.000Z', songName: 'Ode to Joy' }] }
      localStorage.setItem('harmony-helper-storage', JSON.stringify({ state, version: 0 }))
    })
    await page.reload()
    await page.getByText('Sessions: 1').waitFor()
    t.strictSame(errors, [])
  })
})

/** Opens the page in Chromium. `errors` are those of the page, and what it writes to the console as errors. */
async function openPage(t: Test, origin: string) {
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGS })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(origin)
  return { page, errors }
}

/** Starts the built app. Returns its origin. */
async function startNext(t: Test, directory: string): Promise<string> {
  const args = [
    join(directory, 'node_modules/next/dist/bin/next'),
    'start',
    '--hostname',
    '127.0.0.1',
    '--port',
    '0'
  ]
  const server = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => server.kill('SIGKILL'))
  let output = ''
  return new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(`Next.js did not start: ${output}`)))
    server.stdout.on('data', (chunk) => {
      output += chunk
      const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
      if (origin && output.includes('Ready')) resolve(origin)
    })
  })
}
