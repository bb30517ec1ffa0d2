import compat from 'eslint-plugin-compat'
import { importX } from 'eslint-plugin-import-x'
import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

const SERVER = './src/server'

/** The folders of the server from the top down, with the other folders that each may import. */
const LAYERS = {
  metrics: ['http', 'storage', 'reconcile'],
  tracing: ['http', 'storage'],
  v0: ['http', 'auth', 'database', 'storage', 'users', 'sessions', 'stats'],
  account: ['http', 'auth', 'database', 'storage', 'users', 'sessions'],
  commands: ['database', 'storage', 'reconcile', 'health'],
  health: ['http', 'auth', 'database', 'storage', 'users'],
  reconcile: ['database', 'storage', 'audio', 'sessions', 'users'],
  sessions: ['http', 'auth', 'database', 'storage', 'audio', 'users'],
  stats: ['http', 'auth', 'database', 'users'],
  users: ['http', 'auth', 'database'],
  storage: ['audio'],
  database: [],
  auth: ['http', 'rate-limits'],
  'rate-limits': ['http'],
  http: [],
  audio: []
}

/** Files and folders of the server that every other one may import. They import only each other. */
const GROUND = ['config.ts', 'diagnostics.ts', 'environment', 'errors.ts', 'share-runs.ts']

/** Forbids `target` all imports from `from`, except the files and folders in `allowed`. */
const zone = (target, from, allowed) => ({
  target,
  from,
  except: allowed.map((name) => `./${name}`),
  message: `${target} may import from ${from}: ${allowed.join(', ') || 'nothing'} (LAYERS in eslint.config.js).`
})

const zones = [
  ...Object.entries(LAYERS).map(([folder, allowed]) =>
    zone(`${SERVER}/${folder}`, SERVER, [folder, ...allowed, ...GROUND, 'generated'])
  ),
  ...GROUND.map((name) => zone(`${SERVER}/${name}`, SERVER, GROUND)),
  // Features share the repositories of users and not their routes.
  ...['stats', 'sessions', 'reconcile'].map((folder) =>
    zone(`${SERVER}/${folder}`, `${SERVER}/users`, [
      'repository.ts',
      'figures.ts',
      'figures-check.ts',
      'figures-repository.ts',
      'quotas.ts',
      'with-known-zone.ts'
    ])
  ),
  zone('./src/contract', './src', ['contract']),
  zone('./src/client', './src', ['client', 'contract']),
  zone('./src/server', './src', ['server', 'contract']),
  ...['test', 'bench', 'examples', 'scripts'].map((folder) => zone('./src', `./${folder}`, []))
]

/** The oldest browsers that the client supports: the table in docs/client.md. */
const BROWSERS = ['chrome 109', 'edge 109', 'firefox 115', 'safari 15.4', 'ios_saf 15.4']

export default [
  // Prettier formats: `npm run format`.
  ...neostandard({ ts: true, noStyle: true, ignores: resolveIgnoresFromGitignore() }),
  {
    plugins: { 'import-x': importX },
    settings: {
      // Without these, no-cycle does not parse TypeScript and reports no circle.
      'import-x/extensions': ['.ts', '.tsx', '.js', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] }
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }]
    }
  },
  {
    files: [
      'src/client/**',
      'src/contract/{adjust-stats,daily-practice,local-day,practice-days,retry,uuid}.ts'
    ],
    ...compat.configs['flat/recommended'],
    settings: { browsers: BROWSERS, lintAllEsApis: true },
    rules: {
      'compat/compat': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'StaticBlock', message: 'Safari has static blocks from 16.4 on.' },
        { selector: 'Literal[regex.pattern=/\\(\\?<[=!]/]', message: 'Safari has lookbehind from 16.4 on.' },
        { selector: 'Literal[regex.flags=/v/]', message: 'Safari has the flag v from 17 on.' },
        {
          selector: "MemberExpression[object.name='crypto'][property.name=/^(randomUUID|subtle)$/]",
          message: 'Missing on plain http.'
        },
        {
          selector: "MemberExpression[object.name='AbortSignal'][property.name=/^(any|timeout)$/]",
          message: 'Missing before Firefox 124, Safari 17.4.'
        }
      ]
    }
  }
]
