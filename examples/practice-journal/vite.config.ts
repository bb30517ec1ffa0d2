import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './service-worker-plugin.ts'

const client = fileURLToPath(new URL('../../src/client', import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), serviceWorker()],
  // Uses the client's sources. A separate app installs the package and needs no alias.
  resolve: {
    alias: [{ find: /^@harmony-helper\/client(.*)$/, replacement: `${client}$1/index.ts` }]
  },
  optimizeDeps: { entries: ['index.html'] },
  build: { target: 'es2023', chunkSizeWarningLimit: 1500 }
})
