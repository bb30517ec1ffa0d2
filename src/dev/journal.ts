import { fileURLToPath } from 'node:url'

type JournalOptions = { port: number, api: string, issuer: string, audience: string }

export interface PracticeJournal {
  url: string
  close (): Promise<void>
}

/**
 * Serves examples/practice-journal by Vite, which compiles it when a browser first asks. With VITE_USE_MOCK_STORAGE=true
 * in the environment it keeps everything in the browser.
 *
 * It passes `/api` on to the server, so that it needs no CORS and leaves the two origins that the server allows in
 * development to the frontend that somebody is working on.
 */
export async function startJournal ({ port, api, issuer, audience }: JournalOptions): Promise<PracticeJournal> {
  // Here and not above: it takes a while, in which everything else can start.
  const { createServer } = await import('vite')
  const variables = { VITE_API_URL: '', VITE_AUTH0_DOMAIN: issuer.replace(/\/$/, ''), VITE_AUTH0_CLIENT_ID: 'practice-journal', VITE_AUTH0_AUDIENCE: audience }
  const server = await createServer({
    configFile: fileURLToPath(new URL('../../examples/practice-journal/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    server: { host: '127.0.0.1', port, strictPort: true, proxy: { '/api': api } },
    define: Object.fromEntries(Object.entries(variables).map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)]))
  })
  await server.listen().catch(async error => {
    await server.close()
    throw new Error(`Port ${port} of 127.0.0.1 is taken: stop what listens there, or choose another port with JOURNAL_PORT`, { cause: error })
  })
  return { url: `http://localhost:${port}`, close: () => server.close() }
}
