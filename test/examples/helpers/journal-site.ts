import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startIssuer } from '../../../src/dev/oidc-issuer.ts'
import { build } from '../../helpers/app.ts'
import { AUDIENCE } from '../../helpers/issuer.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json'
}

/**
 * The practice journal as deployed: built in both modes and served on one origin, with the real server and an
 * issuer for sign-in. `serve` switches the mode, like a new deployment.
 */
export async function startJournalSite(t: Test) {
  const directory = await temporaryDirectory(t)
  const page = await startPage(t, directory)
  const issuer = await startIssuer({
    audience: AUDIENCE,
    users: [{ sub: 'auth0|clara', email: 'clara@example.com', name: 'Clara' }]
  })
  t.teardown(() => issuer.close())
  const [{ app, storage }] = await Promise.all([
    build(t, { env: { AUTH0_DOMAIN: issuer.issuer, CORS_ORIGINS: page.origin } }),
    buildPage(join(directory, 'mock'), { VITE_USE_MOCK_STORAGE: 'true' })
  ])
  const api = await app.listen({ host: '127.0.0.1', port: 0 })
  const env = {
    VITE_API_URL: api,
    VITE_AUTH0_DOMAIN: issuer.issuer.slice(0, -1),
    VITE_AUTH0_CLIENT_ID: 'journal',
    VITE_AUTH0_AUDIENCE: AUDIENCE
  }
  await buildPage(join(directory, 'account'), { VITE_USE_MOCK_STORAGE: 'false', ...env })
  return { ...page, api, app, issuer, storage }
}

/** The practice journal that stores sessions in the browser, without a server. */
export async function startLocalJournal(t: Test) {
  const directory = await temporaryDirectory(t)
  await buildPage(join(directory, 'mock'), { VITE_USE_MOCK_STORAGE: 'true' })
  return startPage(t, directory)
}

async function temporaryDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-journal-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export type Mode = 'mock' | 'account'

async function startPage(t: Test, directory: string) {
  let served: Mode = 'mock'
  const file = (path: string) => join(directory, served, path === '/' ? 'index.html' : path)
  let server: Server
  let port = 0

  async function start() {
    server = createServer(async (request, response) => {
      const path = new URL(request.url ?? '/', 'http://page').pathname
      const body = await readFile(file(path)).catch(() => undefined)
      response
        .writeHead(body ? 200 : 404, {
          'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream'
        })
        .end(body)
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  async function stop() {
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }

  await start()
  t.teardown(stop)
  return {
    origin: `http://127.0.0.1:${port}`,
    file,
    start,
    stop,
    serve: (mode: Mode) => {
      served = mode
    }
  }
}

async function buildPage(outDir: string, env: NodeJS.ProcessEnv) {
  const config = join(repository, 'examples/practice-journal/vite.config.ts')
  const vite = spawn(
    process.execPath,
    [
      join(repository, 'node_modules/vite/bin/vite.js'),
      'build',
      '--config',
      config,
      '--outDir',
      outDir,
      '--logLevel',
      'warn'
    ],
    {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'ignore', 'pipe']
    }
  )
  const [errors, [code]] = await Promise.all([vite.stderr.toArray(), once(vite, 'exit')])
  if (code !== 0) throw new Error(`The practice journal could not be built: ${errors.join('')}`)
}
