import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { minimalEnvironment, productionOptions } from '../../bench/processes/paths.ts'
import { findFreePort } from './free-port.ts'

const program = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

export type BuiltServer = Awaited<ReturnType<typeof startBuiltServer>>

/** Starts the built server, and waits until it is healthy. `npm run test:system` builds it. */
export async function startBuiltServer(t: Test, env: NodeJS.ProcessEnv, port?: number) {
  const used = port ?? (await findFreePort())
  const url = `http://127.0.0.1:${used}`
  const child = spawn(process.execPath, [...productionOptions, program], {
    env: minimalEnvironment({ ...env, PORT: String(used) }),
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>
  t.teardown(() => child.kill('SIGKILL'))
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null) throw new Error('The server ended before it was healthy')
    await sleep(50)
  }
  return { url, port: used, exited, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}

/** Whether `/healthz` answers 200 on a new connection. */
export const isHealthy = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { headers: { connection: 'close' } }).then(
    async (answer) => {
      await answer.body?.cancel()
      return answer.ok
    },
    () => false
  )
