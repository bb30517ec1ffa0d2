import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { ports } from '../src/dev/settings.ts'
import { EnvironmentSchema } from '../src/server/environment/schema.ts'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')
const packageJson = JSON.parse(await read('package.json'))

/** Paths under a directory, relative to the root. */
async function list(directory: string, isWanted: (path: string) => boolean): Promise<string[]> {
  const names = await readdir(new URL(directory, root), { recursive: true })
  return names.map((name) => join(directory, name)).filter(isWanted)
}

const pages = new Map<string, string>()
for (const path of [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  '.github/pull_request_template.md',
  'test/fixtures/README.md',
  ...(await list('docs', (path) => path.endsWith('.md')))
]) {
  pages.set(path, await read(path))
}
const page = (path: string) => pages.get(path) ?? ''

const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = '']) => name)

/** The id that GitHub gives a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

/** Whether a file, or a heading of a page, is missing. */
async function isMissing(from: string, link: string): Promise<boolean> {
  const [path = '', fragment] = link.split('#')
  const target = path === '' ? from : join(dirname(from), path)
  const headings = names(page(target), /^#+ (.+)$/gm).map(anchor)
  if (fragment !== undefined) return !headings.includes(fragment)
  return access(new URL(target, root)).then(
    () => false,
    () => true
  )
}

t.test('every link between the documents resolves', async (t) => {
  for (const [path, text] of pages) {
    const links = names(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^[a-z]+:/.test(link))
    for (const link of links) t.notOk(await isMissing(path, link), `${path}: ${link}`)
  }
})

t.test('every file or folder of the code that a document names exists', async (t) => {
  for (const [path, text] of pages) {
    if (path === 'CHANGELOG.md') continue // it names what was removed
    for (const name of names(text, /(?<!\[)`((?:src|test|bench|scripts|prisma)\/[\w./-]+)`/g)) {
      t.notOk(await isMissing('README.md', name), `${path}: ${name}`)
    }
  }
})

t.test('docs/configuration.md lists every variable of the server with its default', async (t) => {
  const [server = '', local = ''] = page('docs/configuration.md').split('## Local stack')
  const rows = new Map(
    [...server.matchAll(/^\| `([A-Z0-9_]+)` \| (.+) \|$/gm)].map(([, name = '', cells = '']) => [name, cells])
  )
  t.strictSame([...rows.keys()].sort(), Object.keys(EnvironmentSchema.properties).sort())
  for (const [name, { default: byDefault }] of Object.entries(EnvironmentSchema.properties)) {
    if (byDefault) t.match(rows.get(name), `\`${byDefault}\` |`, name)
  }
  for (const variable of ['DATA_DIR', ...Object.values(ports).map(({ variable }) => variable)]) {
    t.match(variable === 'PORT' ? server : local, `| \`${variable}\` |`, variable)
    t.match(page('README.md'), `\`${variable}\``, variable)
  }
})

t.test('.env.example has the default of every variable', async (t) => {
  const example = await read('.env.example')
  for (const [name, { default: byDefault = '' }] of Object.entries(EnvironmentSchema.properties)) {
    t.ok(example.includes(`\n${name}=${byDefault}\n`), `${name}=${byDefault}`)
  }
})

t.test('the README lists every route of the API', async (t) => {
  const isRouteFile = (path: string) => path.endsWith('.ts') && !/generated|\/v0\//.test(path) // v0 repeats them
  const files = await list('src/server', isRouteFile)
  const sources = await Promise.all(files.map(read))
  const routes = sources
    .flatMap((source) => [...source.matchAll(/\bapp\.(get|post|patch|put|delete)\(\s*'([^']+)'/g)])
    .map(([, method = '', path = '']) => `${method.toUpperCase()} ${/z$/.test(path) ? '' : '/api'}${path}`)
  const listed = names(page('README.md'), /^\| (`[A-Z]+ \/.+`) \|/gm).flatMap((cell) =>
    names(cell, /`([^`]+)`/g)
  )
  t.strictSame(listed.sort(), routes.sort())
})

t.test('docs/dependencies.md gives a reason for every package', async (t) => {
  const { dependencies, devDependencies, peerDependencies } = packageJson
  const packages = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })
  const cells = names(page('docs/dependencies.md'), /^\| (`.+`) \| \S/gm)
  t.strictSame(cells.flatMap((cell) => names(cell, /`([^`]+)`/g)).sort(), packages.sort())
})

t.test('every npm script that the documents name exists', async (t) => {
  for (const [path, text] of pages) {
    const scripts = names(text, /npm run ([\w:]+)/g)
    for (const script of scripts) t.ok(packageJson.scripts[script], `${path}: ${script}`)
  }
})

t.test('the README is short, and its map has every folder of src/', async (t) => {
  t.ok(page('README.md').split('\n').length <= 121, 'at most 120 lines')
  const mapped = names(page('README.md'), /^(src\/\S+)/gm)
  const isCode = (path: string) => /\.[jt]s$/.test(path) && !path.includes('generated')
  const folders = new Set((await list('src', isCode)).map((path) => `${dirname(path)}/`))
  folders.delete('src/server/')
  t.strictSame(mapped.filter((path) => path.endsWith('/')).sort(), [...folders].sort())
  for (const path of mapped) t.ok(await access(new URL(path, root)).then(() => true), path)
})

t.test('the index of decisions lists every decision', async (t) => {
  const decisions = await readdir(new URL('docs/decisions/', root))
  const linked = names(page('docs/decisions/README.md'), /\]\((\d{4}-[^)]+)\)/g)
  t.strictSame(linked.sort(), decisions.filter((name) => name !== 'README.md').sort())
})
