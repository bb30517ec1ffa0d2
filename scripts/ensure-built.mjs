// Before `npm start` and the commands of a checkout: builds when dist/ is missing or older than what it is made of.
// In production there is no scripts/, and package.json passes over it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SOURCES = [
  'src/contract',
  'src/server',
  'src/client',
  'prisma',
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
  console.error('Building, as dist/ is missing or older than the sources…')
  // What the command itself prints stays alone on standard output.
  const { status } = spawnSync('npm run --silent build', { shell: true, stdio: ['ignore', 2, 2] })
  process.exit(status ?? 1)
}
