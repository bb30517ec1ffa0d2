import { importX } from 'eslint-plugin-import-x'
import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

const SERVER = './src/server'

/** What each folder of the server may import, beside itself: imports point down this list, never up. */
const LAYERS = {
  audio: [],
  http: [],
  auth: ['http'],
  database: [],
  storage: ['audio'],
  users: ['http', 'auth', 'database'],
  stats: ['http', 'auth', 'database', 'users'],
  sessions: ['http', 'auth', 'database', 'storage', 'audio', 'users'],
  reconcile: ['database', 'storage', 'audio', 'sessions'],
  commands: ['database', 'storage', 'reconcile']
}

/** Files at the top of src/server that every folder may import. */
const GROUND = ['config.ts', 'errors.ts', 'frontend-names.ts']

const serverZones = Object.entries(LAYERS).map(([folder, allowed]) => ({
  target: `${SERVER}/${folder}`,
  from: SERVER,
  except: [...GROUND, 'generated', folder, ...allowed].map((name) => `./${name}`),
  message: `src/server/${folder} may import ${[...GROUND, ...allowed].join(', ')} (eslint.config.js, LAYERS).`
}))

const zones = [
  ...serverZones,
  ...GROUND.map((file) => ({
    target: `${SERVER}/${file}`,
    from: SERVER,
    except: GROUND.map((name) => `./${name}`)
  })),
  // Features share the data of users, and none of their routes.
  ...['stats', 'sessions'].map((folder) => ({
    target: `${SERVER}/${folder}`,
    from: `${SERVER}/users`,
    except: ['./repository.ts', './streak-repository.ts']
  })),
  { target: './src/contract', from: './src', except: ['./contract'] },
  { target: './src/client', from: './src', except: ['./client', './contract'] },
  { target: './src/server', from: './src', except: ['./server', './contract'] },
  { target: './src', from: ['./test', './bench', './examples', './scripts'] }
]

export default [
  // Prettier owns the style: `npm run format`.
  ...neostandard({ ts: true, noStyle: true, ignores: resolveIgnoresFromGitignore() }),
  {
    plugins: { 'import-x': importX },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }]
    }
  }
]
