import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { isMissing } from './missing-program.ts'

/** Skips tests that need Redis. */
export const needsRedis = isMissing('redis-server', '--version')

/** Starts Redis without files on a port of 127.0.0.1. `stop` ends it; `kill` sends it a signal. */
export async function startRedis(port: number) {
  const options = { port: String(port), bind: '127.0.0.1', save: '', dir: '/tmp' }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(server, 'exit')
  for await (const output of server.stdout) if (String(output).includes('Ready to accept')) break
  server.stdout.resume()
  return {
    kill: (signal: NodeJS.Signals) => server.kill(signal),
    async stop(): Promise<void> {
      server.kill('SIGKILL')
      await exited
    }
  }
}
