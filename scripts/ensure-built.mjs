// Runs before `npm start` and other commands in a checkout: builds when dist/ is missing or older than its
// sources. Production has no scripts/ directory, and package.json skips this step there.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SOURCES = [
  'src/contract',
  'src/server',
  'prisma',
  'scripts/build-server.mjs',
  'scripts/generate-client.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json'
]
const GENERATED = join('src', 'server', 'generated')

const filesUnder = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true })
        .map((name) => join(path, name))
        .filter((name) => !name.startsWith(GENERATED))
    : [path]

const changed = (path) => statSync(path).mtimeMs
const built = existsSync('dist/server/main.js') ? changed('dist/server/main.js') : -Infinity
const isStale = SOURCES.filter(existsSync)
  .flatMap(filesUnder)
  .some((file) => changed(file) > built)

if (existsSync('src/server') && isStale) {
  console.error('Building: dist/ is missing or older than the sources…')
  // Standard output is reserved for the command itself, so the build prints to standard error.
  const { status } = spawnSync('npm run --silent build:server', { shell: true, stdio: ['ignore', 2, 2] })
  process.exit(status ?? 1)
}
