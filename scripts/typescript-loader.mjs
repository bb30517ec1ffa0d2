// `node --import ./scripts/typescript-loader.mjs file.ts` runs TypeScript. Types are replaced by spaces, so
// that lines, columns and coverage are those of the source. Results are cached on disk.
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import * as nodeModule from 'node:module'

const require = nodeModule.createRequire(import.meta.url)
const { version } = require('../node_modules/ts-blank-space/package.json')
const cache = new URL('../node_modules/.cache/typescript-loader/', import.meta.url)

const isOurs = (url) => url.startsWith('file:') && /\.ts(\?|$)/.test(url) && !url.includes('/node_modules/')

// See test/helpers/run-tests.ts: a test file in a group gets its own subtest as `t`.
const isTapInGroup = (specifier, parent) => specifier === 'tap' && parent?.endsWith('?in-group')
const tapOf = (parent) => ({
  url: new URL(`../test/helpers/tap-of-file.ts?${encodeURIComponent(parent)}`, import.meta.url).href,
  shortCircuit: true
})

/** JavaScript for a TypeScript file, of the same length. */
function strip(url) {
  const source = readFileSync(new URL(url), 'utf8')
  const stored = new URL(`${createHash('sha256').update(version).update(source).digest('hex')}.js`, cache)
  try {
    return readFileSync(stored, 'utf8')
  } catch {
    const stripped = require('ts-blank-space').default(source, (node) => {
      throw new Error(`${url}: only types can be left out: ${node.getText()}`)
    })
    keep(stored, stripped)
    return stripped
  }
}

// The rename publishes a complete file: several processes write at the same time.
function keep(stored, text) {
  const draft = new URL(`${stored.href}.${randomUUID()}`)
  try {
    mkdirSync(cache, { recursive: true })
    writeFileSync(draft, text)
    renameSync(draft, stored)
  } catch {} // without a cache it is only slower
}

const toModule = (url) => ({ format: 'module', source: strip(url), shortCircuit: true })

/** Marks this file as loaded in the thread for hooks, where it must not register itself again. */
const HOOKS = '?hooks'

/** The hooks where loaders run in a thread of their own: Node before 22.15. */
export const resolve = async (specifier, context, next) =>
  isTapInGroup(specifier, context.parentURL) ? tapOf(context.parentURL) : next(specifier, context)
export const load = async (url, context, next) => (isOurs(url) ? toModule(url) : next(url, context))

if (nodeModule.registerHooks) {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      isTapInGroup(specifier, context.parentURL) ? tapOf(context.parentURL) : next(specifier, context),
    load: (url, context, next) => (isOurs(url) ? toModule(url) : next(url, context))
  })
} else if (!import.meta.url.endsWith(HOOKS)) nodeModule.register(import.meta.url + HOOKS)
