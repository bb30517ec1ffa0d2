import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const { scripts } = createRequire(import.meta.url)('../../package.json') as { scripts: { start: string } }

/** The project's directory: the working directory of all processes of the benchmark. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

const words = scripts.start.split(' ')

/** The Node.js options of `npm start`. */
export const productionOptions = words.filter((word) => word.startsWith('--'))

/** The environment variables of `npm start`, as `NAME=value`. */
export const productionVariables = words.filter((word) => /^[A-Z_]+=/.test(word))

/** The environment of a process: `PATH`, the variables of `npm start` and the given ones only. */
export const minimalEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...Object.fromEntries(productionVariables.map((variable) => variable.split('='))),
  ...env
})
