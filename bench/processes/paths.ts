import { fileURLToPath } from 'node:url'

/** Where the project lies: the working directory of what the bench starts. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** What makes Node.js run a TypeScript file as it is. */
export const runTypescript = ['--import', new URL('../../scripts/typescript-loader.mjs', import.meta.url).href]

/** The environment of a process: nothing of ours but where to find programs. */
export const bare = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], ...env })
