import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { createMemoryCgroup } from '../../bench/measure/memory-cgroup.ts'
import { runTypescript } from './run-typescript.ts'

const { scripts } = createRequire(import.meta.url)('../../package.json') as { scripts: { start: string } }
const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

/** The arguments that `npm start` gives Node.js. */
export const production = scripts.start.split(' ').filter((word) => word.startsWith('--'))

const megabytes = Number(process.env['TEST_SERVER_MEMORY_MB'])

/** Whether servers are to run as they are built, in processes of their own, each with as much memory as the environment says. */
export const isServerMemoryLimited = megabytes > 0

/** For tests that reach into the server. */
export const needsServerWithin = isServerMemoryLimited && 'needs the server in the process of the test'

/** The command that runs a program of the server, such as 'main' or 'commands/reconcile-recordings'. */
export function serverCommand (t: Test, program: string): [command: string, ...args: string[]] {
  return isServerMemoryLimited
    ? limitMemory(t, [process.execPath, ...production, pathOf(`dist/server/${program}.js`)])
    : [process.execPath, ...runTypescript, pathOf(`src/server/${program}.ts`)]
}

/** Makes a command one that has only so much memory; that nothing of it is killed for that is part of the test. */
export function limitMemory (t: Test, command: string[]): [command: string, ...args: string[]] {
  const cgroup = createMemoryCgroup(megabytes * 2 ** 20)
  if ('unavailable' in cgroup) throw new Error(`TEST_SERVER_MEMORY_MB: ${cgroup.unavailable}`)
  t.teardown(async () => {
    const kills = cgroup.oomKills()
    await cgroup.close()
    if (kills !== 0) throw new Error(`More than ${megabytes} MB were needed by ${command.join(' ')}`)
  })
  const [program = '', ...args] = cgroup.enclose(command)
  return [program, ...args]
}
