import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { createMemoryCgroup } from '../../bench/measure/memory-cgroup.ts'
import { productionOptions, productionVariables } from '../../bench/processes/paths.ts'
import { runTypescript } from '../../scripts/run-typescript.ts'

const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

const megabytes = Number(process.env['TEST_SERVER_MEMORY_MB'])

/** Whether servers run from dist/ in separate processes, each with TEST_SERVER_MEMORY_MB of memory. */
export const isServerMemoryLimited = megabytes > 0

/** Skips tests that access the server's internals when it runs in a separate process. */
export const needsServerWithin = isServerMemoryLimited && 'needs the server in the process of the test'

/** Returns the command line of a server program, such as 'main' or 'commands/reconcile-recordings'. */
export function serverCommand(t: Test, program: string): [command: string, ...args: string[]] {
  return isServerMemoryLimited
    ? limitMemory(t, [pathOf(`dist/server/${program}.js`)])
    : [process.execPath, ...runTypescript, pathOf(`src/server/${program}.ts`)]
}

/**
 * Returns the command line of a built program with limited memory. The test fails if the kernel kills it for
 * memory.
 */
export function limitMemory(t: Test, program: string[]): [command: string, ...args: string[]] {
  const cgroup = createMemoryCgroup(megabytes * 2 ** 20)
  if ('unavailable' in cgroup) throw new Error(`TEST_SERVER_MEMORY_MB: ${cgroup.unavailable}`)
  t.teardown(async () => {
    const kills = cgroup.oomKills()
    await cgroup.close()
    if (kills === 0) return
    // An exception would skip the other teardowns, and the test would not end.
    console.error(`More than ${megabytes} MB were needed by ${program.join(' ')}`)
    process.exitCode = 1
  })
  const [command = '', ...args] = cgroup.enclose([
    'env',
    ...productionVariables,
    process.execPath,
    ...productionOptions,
    ...program
  ])
  return [command, ...args]
}
