import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createProcessMeter } from '../measure/process-meter.ts'
import { floorFile } from './build-floor.ts'
import { minimalEnvironment, productionOptions, root } from './paths.ts'
import { runTypescript } from '../../scripts/run-typescript.ts'

/** Arguments of Node.js for each server: those of `npm start` for ours and for the floor, which must be built. */
const SERVERS = {
  ours: [...productionOptions, 'dist/server/main.js'],
  straightforward: [...runTypescript, 'bench/straightforward-server.ts'],
  floor: [...productionOptions, floorFile]
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
    const lines = createInterface(child.stdout).on('line', (line) => {
      const [, address] = /listening at (http:\S+?)"/.exec(line) ?? []
      if (!address) return
      resolve(address)
      lines.close()
      child.stdout.resume() // the log of the requests is not read here
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
