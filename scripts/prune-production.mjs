// `node scripts/prune-production.mjs`, after `npm ci --omit=dev --omit=optional`: removes from node_modules what no
// server loads. It leaves the packages themselves, so that their licences stay.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = 'node_modules'

/** Prisma's runtime: the client, and the query compiler of the database and the build in prisma/schema.prisma. */
const PRISMA_RUNTIME = join(ROOT, '@prisma', 'client', 'runtime')
const NEEDED_RUNTIME = /^(client\.m?js|query_compiler_small_bg\.postgresql\..*mjs|index-browser\.m?js)$/

/** Types, sources in TypeScript, source maps and documents. */
const UNUSED_FILE = /\.([cm]?tsx?|map|md|markdown)$/

/** Folders at the top of a package. */
const UNUSED_FOLDERS = new Set([
  'test',
  'tests',
  'docs',
  'example',
  'examples',
  'benchmark',
  'benchmarks',
  '.github'
])

/**
 * Builds for browsers and for `require`, beside the modules that the server imports; and TypeBox, which is
 * bundled into dist/.
 */
const UNUSED_BUILDS = ['mediabunny/dist/bundles', '@sinclair/typebox/build', 'bintrees/dist']

/** OpenTelemetry's builds for bundlers, beside the one that Node.js loads. */
const OPENTELEMETRY = join(ROOT, '@opentelemetry')
const BUNDLER_BUILDS = ['build/esm', 'build/esnext']

/** The folders of all packages, also of those within packages. */
function packagesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => {
      const path = join(folder, name)
      if (name.startsWith('@')) return packagesIn(path)
      const nested = join(path, 'node_modules')
      return [path, ...(statSync(nested, { throwIfNoEntry: false }) ? packagesIn(nested) : [])]
    })
}

function removeFiles(folder, isUnused) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && isUnused(entry.name)) rmSync(join(entry.parentPath ?? entry.path, entry.name))
  }
}

for (const path of packagesIn(ROOT)) {
  for (const name of UNUSED_FOLDERS) rmSync(join(path, name), { recursive: true, force: true })
}
for (const path of UNUSED_BUILDS) rmSync(join(ROOT, path), { recursive: true, force: true })
for (const path of packagesIn(OPENTELEMETRY)) {
  for (const build of BUNDLER_BUILDS) rmSync(join(path, build), { recursive: true, force: true })
}
removeFiles(ROOT, (name) => UNUSED_FILE.test(name))
removeFiles(PRISMA_RUNTIME, (name) => !NEEDED_RUNTIME.test(name))
