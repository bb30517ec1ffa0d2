import { readFile } from 'node:fs/promises'
import type { Files } from './fresh-app.ts'

const README = new URL('../../../src/client/README.md', import.meta.url)

/** The code of the package's README. The first line of each snippet is a comment with the path of the file. */
export async function readmeFiles(): Promise<Files> {
  const snippets = (await readFile(README, 'utf8')).matchAll(/^```\w+\n\/\/ (\S+)\n(.*?)^```$/gms)
  return Object.fromEntries([...snippets].map(([, path = '', code = '']) => [path, code]))
}

const strict = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  strict: true,
  noEmit: true,
  types: ['vite/client']
}

/** What a React app with Vite and Auth0 has beside the snippets of the README. */
export const VITE_APP: Files = {
  'tsconfig.json': JSON.stringify({ compilerOptions: strict, include: ['src'] }),
  'vite.config.js': `
    import react from '@vitejs/plugin-react'
    export default { plugins: [react()], build: { sourcemap: true } }`,
  'src/types.ts': `
    import type { SessionData } from '@harmony-helper/client'

    // @ts-expect-error -- would compile if the types of the wire were missing
    export const wrong: SessionData['durationSeconds'] = 'long'`,
  'index.html':
    '<!doctype html><html lang="en"><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>',
  'src/main.tsx': `
    import { Auth0Provider } from '@auth0/auth0-react'
    import { StrictMode } from 'react'
    import { createRoot } from 'react-dom/client'
    import { App } from './practice'

    const { VITE_AUTH0_DOMAIN: domain } = import.meta.env

    createRoot(document.getElementById('root')!).render(
      <StrictMode>
        <Auth0Provider domain={domain} clientId="app" authorizationParams={{ redirect_uri: location.origin }}>
          <App />
        </Auth0Provider>
      </StrictMode>
    )`
}

/** What an app with Next.js has beside the snippet of the README. */
export const NEXT_APP: Files = {
  'app/layout.tsx': `
    import type { ReactNode } from 'react'

    export default function Layout({ children }: { children: ReactNode }) {
      return <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>
    }`,
  'app/page.tsx': `
    import { Practice } from './practice'

    export default function Page() {
      return <Practice />
    }`
}

/** Creates everything where the browser's storage must not be touched. It ends by itself. */
export const SERVER_SCRIPT: Files = {
  'render.mjs': `
    for (const name of ['localStorage', 'sessionStorage', 'window', 'document']) {
      Object.defineProperty(globalThis, name, { get: () => { throw new Error('touched ' + name) } })
    }
    const { createStorageService } = await import('@harmony-helper/client')
    const { createOutbox } = await import('@harmony-helper/client/offline')
    for (const mock of [true, false]) {
      const service = createStorageService({ mock, getAccessToken: async () => 'token' })
      const { getSessions } = createOutbox(service, { account: 'auth0|clara' })
      console.log(typeof getSessions)
    }`
}
