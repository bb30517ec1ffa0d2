import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createProcessMeter } from '../measure/process-meter.ts'
import { minimalEnvironment, productionOptions, root } from './paths.ts'
import { runTypescript } from '../../scripts/run-typescript.ts'

/** Arguments of Node.js for each server; ours has those of `npm start`. */
const SERVERS = {
  ours: [...productionOptions, 'dist/server/main.js'],
  straightforward: [...runTypescript, 'bench/straightforward-server.ts']
}

export type Server = Awaited<ReturnType<typeof startServer>>

/** Starts a server on a free port. `enclose` wraps its command, for example in a cgroup. */
export async function startServer(
  name: keyof typeof SERVERS,
  env: NodeJS.ProcessEnv,
  enclose = (command: string[]) => command
) {
  const [program, ...args] = enclose([process.execPath, ...SERVERS[name]])
  const child = spawn(program!, args, {
    cwd: root,
    env: minimalEnvironment({ ...env, PORT: '0' }),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const [, address] = /listening at (http:\S+?)"/.exec(line) ?? []
      if (address) resolve(address)
    })
    exited.then(() => reject(new Error(`The server ${name} ended before it was listening`)), reject)
  })
  return {
    url,
    meter: createProcessMeter(child.pid!),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async close() {
      child.kill()
      await exited
    }
  }
}
