import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const { scripts } = createRequire(import.meta.url)('../../package.json') as { scripts: { start: string } }

/** The project's directory: the working directory of all processes of the benchmark. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The Node.js options of `npm start`. */
export const productionOptions = scripts.start.split(' ').filter((word) => word.startsWith('--'))

/** The environment of a process: `PATH` and the given variables only. */
export const minimalEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...env
})
