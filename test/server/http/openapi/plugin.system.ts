import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { build } from '../../../helpers/app.ts'

/**
 * The tools that others point at the API document. They are installed for this test alone: together they are
 * 150 packages, and not all of them install without a warning.
 */
const TOOLS = [
  '@redocly/cli@2.77.0',
  '@stoplight/spectral-core@1.24.1',
  '@stoplight/spectral-rulesets@1.23.1',
  'openapi-typescript@7.13.0'
]

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../..', import.meta.url))
const directory = await mkdtemp(join(tmpdir(), 'harmony-openapi-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))

const { app } = await build(t)
const document = join(directory, 'openapi.json')
await writeFile(document, (await app.inject('/docs/json')).body)
await writeFile(join(directory, 'package.json'), '{"private":true}')

const isInstalled = await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...TOOLS], {
  cwd: directory
}).then(
  () => true,
  (error) => {
    if (process.env['CI']) throw error
    return false
  }
)
const skip = !isInstalled && 'the tools cannot be installed'
const tool = (name: string) => join(directory, 'node_modules/.bin', name)

t.test("Redocly's recommended rules find nothing", { skip }, async (t) => {
  const { stdout } = await run(
    tool('redocly'),
    ['lint', '--extends=recommended', '--format=json', document],
    { cwd: directory }
  )
  const { totals, problems } = JSON.parse(stdout)
  t.strictSame(problems, [])
  t.match(totals, { errors: 0, warnings: 0 })
})

const SPECTRAL = `
const { Spectral } = require('@stoplight/spectral-core')
const { oas } = require('@stoplight/spectral-rulesets')
const spectral = new Spectral()
spectral.setRuleset({ extends: [[oas, 'recommended']] })
const text = require('node:fs').readFileSync(${JSON.stringify(document)}, 'utf8')
spectral.run(text).then((faults) => console.log(JSON.stringify(faults)))`

t.test("Spectral's recommended rules find nothing", { skip }, async (t) => {
  await writeFile(join(directory, 'spectral.cjs'), SPECTRAL)
  const { stdout } = await run(process.execPath, ['spectral.cjs'], { cwd: directory })
  t.strictSame(JSON.parse(stdout), [])
})

/** Compiles if the generated types and those of the contract are the same. */
const USE = `
import type { components, operations } from './api.d.ts'
import type { NewSession } from '${root}/src/contract/session-input.ts'
import type { SessionListItem } from '${root}/src/contract/session-list.ts'
import type { SessionData } from '${root}/src/contract/sessions.ts'
import type { UserStatsData } from '${root}/src/contract/stats.ts'
import type { SyncUser, User } from '${root}/src/contract/users.ts'

type Schemas = components['schemas']
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
const same: [
  Same<Schemas['SessionData'], SessionData>,
  Same<Schemas['NewSession'], NewSession>,
  Same<Schemas['SessionListItem'], SessionListItem>,
  Same<Schemas['UserStats'], UserStatsData>,
  Same<Schemas['SyncUser'], SyncUser>,
  Same<Schemas['User'], User>
] = [true, true, true, true, true, true]
const query: operations['listSessions']['parameters']['query'] = { limit: 20 }
export { same, query }
`

t.test('the types that openapi-typescript makes are those of the contract', { skip }, async (t) => {
  await run(tool('openapi-typescript'), [document, '-o', join(directory, 'api.d.ts')], { cwd: directory })
  await writeFile(join(directory, 'use.ts'), USE)
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        types: [],
        noEmit: true,
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false
      },
      files: ['use.ts'],
      include: []
    })
  )
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [compiler, '-p', directory]).catch((error) => error)
  t.equal(stdout, '')
  t.match(await readFile(join(directory, 'api.d.ts'), 'utf8'), /export interface components/)
})
