// Builds the server in dist/server: `node scripts/build-server.mjs`.
// It bundles each program into one file, and each part that is loaded on demand. With one file for each module, the
// server would start a third slower and need a tenth more memory. Packages stay in node_modules, except TypeBox, which
// consists of 200 files for the few functions that we use.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src/server')
const output = join(root, 'dist/server')

const commands = readdirSync(join(source, 'commands'))
  .filter((name) => name !== 'run-command.ts')
  .map((name) => join('commands', name))

const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

// Earlier builds wrote dist/contract.
for (const folder of [output, join(root, 'dist/contract')]) rmSync(folder, { recursive: true, force: true })
await build({
  // Tests import app.ts and config.ts to set the clock.
  entryPoints: ['main.ts', 'app.ts', 'config.ts', ...commands].map((name) => join(source, name)),
  outbase: source,
  outdir: output,
  chunkNames: 'shared/[name]-[hash]',
  bundle: true,
  splitting: true,
  external: Object.keys(dependencies).filter((name) => name !== '@sinclair/typebox'),
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning'
})
