import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { ViteDevServer } from 'vite'

type JournalOptions = { port: number; api: string; issuer: string; audience: string }

export interface PracticeJournal {
  url: string
  close(): Promise<void>
}

/**
 * Serves examples/practice-journal by Vite, which is loaded when a browser first asks: it takes a while, and not
 * everybody who starts the stack comes for the journal. With VITE_USE_MOCK_STORAGE=true in the environment it keeps
 * everything in the browser.
 *
 * It passes `/api` on to the server, so that it needs no CORS and leaves the two origins that the server allows in
 * development to the frontend that somebody is working on.
 */
export async function startJournal({
  port,
  api,
  issuer,
  audience
}: JournalOptions): Promise<PracticeJournal> {
  const variables = {
    VITE_API_URL: '',
    VITE_AUTH0_DOMAIN: issuer.replace(/\/$/, ''),
    VITE_AUTH0_CLIENT_ID: 'practice-journal',
    VITE_AUTH0_AUDIENCE: audience
  }
  let vite: Promise<ViteDevServer> | undefined
  const server = createServer((request, response) => {
    vite ??= startVite()
    vite.then(
      ({ middlewares }) => middlewares(request, response),
      (error) => response.writeHead(500).end(String(error))
    )
  })

  async function startVite() {
    const { createServer } = await import('vite')
    return createServer({
      configFile: fileURLToPath(new URL('../../examples/practice-journal/vite.config.ts', import.meta.url)),
      logLevel: 'error',
      server: { middlewareMode: true, hmr: { server }, proxy: { '/api': api } },
      define: Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)])
      )
    })
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening').catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(
      `Port ${port} of 127.0.0.1 is taken: stop what listens there, or choose another port with JOURNAL_PORT`
    )
  })
  return {
    url: `http://localhost:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await (await vite)?.close()
    }
  }
}
