import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const SOURCE = fileURLToPath(new URL('src/service-worker.js', import.meta.url))
const PUBLIC = fileURLToPath(new URL('public/', import.meta.url))

/** Adds `service-worker.js` to the build, with the list of its files and a version made from their content. */
export function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const built = Object.values(bundle).map((output) => ({
        name: output.fileName,
        content: output.type === 'chunk' ? output.code : output.source
      }))
      const copied = readdirSync(PUBLIC, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `${entry.parentPath}/${entry.name}`)
        .map((path) => ({ name: path.slice(PUBLIC.length).replace(/^\//, ''), content: readFileSync(path) }))
      const files = [...built, ...copied]
        .filter(({ name }) => !name.endsWith('.map'))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      const hash = createHash('sha256')
      for (const { name, content } of files) hash.update(name).update(content)
      const names = files.map(({ name }) => name).filter((name) => name !== 'index.html')
      this.emitFile({
        type: 'asset',
        fileName: 'service-worker.js',
        source: readFileSync(SOURCE, 'utf8')
          .replace('__VERSION__', hash.digest('hex').slice(0, 16))
          .replace('__FILES__', JSON.stringify(names))
      })
    }
  }
}
