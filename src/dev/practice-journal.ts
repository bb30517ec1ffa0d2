import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ViteDevServer } from 'vite'
import { listen } from './ports.ts'
import { IDENTITY, IDENTITY_PATH } from './running-stack.ts'

interface JournalOptions {
  port: number
  /** URL of the API. */
  api: string
  /** URL of the issuer, with its trailing slash. */
  issuer: string
  audience: string
}

export interface PracticeJournal {
  url: string
  close(): Promise<void>
}

const CONFIG_FILE = fileURLToPath(new URL('../../examples/practice-journal/vite.config.ts', import.meta.url))

/**
 * Serves examples/practice-journal with Vite. Vite is loaded at the first request, because that takes seconds
 * and not every developer opens the journal.
 *
 * Requests for `/api` are forwarded to the API. So the journal needs no CORS, and the default of CORS_ORIGINS
 * is for the developer's own frontend.
 */
export async function startJournal({ port, ...services }: JournalOptions): Promise<PracticeJournal> {
  let vite: Promise<ViteDevServer> | undefined
  const server = createServer((request, response) => {
    if (request.url === IDENTITY_PATH) return response.end(IDENTITY)
    vite ??= startVite()
    vite.then(
      ({ middlewares }) => middlewares(request, response),
      (error) => response.writeHead(500).end(String(error))
    )
  })

  async function startVite() {
    const { createServer } = await import('vite')
    return createServer({
      configFile: CONFIG_FILE,
      logLevel: 'error',
      server: { middlewareMode: true, hmr: { server }, proxy: { '/api': services.api } },
      define: defineVariables(services)
    })
  }

  await listen(server, { port, host: '127.0.0.1', variable: 'JOURNAL_PORT' })
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await (await vite)?.close()
    }
  }
}

function defineVariables({ issuer, audience }: { issuer: string; audience: string }) {
  const variables = {
    VITE_API_URL: '',
    VITE_AUTH0_DOMAIN: issuer.replace(/\/$/, ''),
    VITE_AUTH0_CLIENT_ID: 'practice-journal',
    VITE_AUTH0_AUDIENCE: audience,
    // As the API of this stack. Empty: the default, which is the same in both.
    VITE_MAX_RECORDING_BYTES: process.env['MAX_RECORDING_BYTES'] ?? ''
  }
  const entries = Object.entries(variables)
  return Object.fromEntries(
    entries.map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)])
  )
}
