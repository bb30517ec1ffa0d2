import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const { scripts } = createRequire(import.meta.url)('../../package.json') as { scripts: { start: string } }

/** Where the project lies: the working directory of what the bench starts. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The options that `npm start` gives Node.js. */
export const productionOptions = scripts.start.split(' ').filter((word) => word.startsWith('--'))

/** The environment of a process: nothing of ours but where to find programs. */
export const bare = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], ...env })
