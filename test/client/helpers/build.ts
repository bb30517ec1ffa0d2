import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const { exports } = createRequire(import.meta.url)('../../../package.json') as {
  exports: Record<string, { types: string; import: string }>
}

/** The built entry points of the package. */
export const entries = Object.entries(exports).map(([name, { types, import: file }]) => ({
  name,
  types,
  file
}))

/**
 * Builds the client like `npm run build`, into a temporary directory that the test removes. Compiles without
 * Node's types, so that any use of Node is an error, and with the built-in functions that the oldest
 * supported browsers have.
 */
export async function buildClient(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-client-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const project = join(directory, 'tsconfig.json')
  await writeFile(
    project,
    JSON.stringify({
      extends: join(root, 'tsconfig.build.json'),
      compilerOptions: {
        rootDir: join(root, 'src'),
        outDir: join(directory, 'dist'),
        types: [],
        lib: ['es2022', 'dom', 'dom.iterable']
      },
      include: [join(root, 'src/client')]
    })
  )
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project])
  return directory
}
