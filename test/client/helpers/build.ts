import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const script = fileURLToPath(new URL('../../../scripts/build-client.mjs', import.meta.url))
const { exports } = createRequire(import.meta.url)('../../../src/client/package.json') as {
  exports: Record<string, { types: string; default: string } | string>
}

/** The built entry points of the package. */
export const entries = Object.entries(exports).flatMap(([name, entry]) =>
  typeof entry === 'string' ? [] : { name, file: entry.default }
)

/**
 * Builds the package of the client as `npm run build` does, into a temporary directory that the test removes.
 * It compiles without Node's types, so that any use of Node is an error, and with the built-in functions that
 * the oldest supported browsers have.
 */
export async function buildClient(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-client-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  await promisify(execFile)(process.execPath, [script, directory])
  return directory
}
