import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { serverCommand } from './server-command.ts'

/** The environment of a process: of the test's own environment only PATH. */
const bare = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], ...env })

/** Runs a server program, such as 'commands/reconcile-recordings', until it exits. */
export async function runServerCode(t: Test, program: string, args: string[], env: NodeJS.ProcessEnv) {
  const [command, ...given] = serverCommand(t, program)
  const child = spawn(command, [...given, ...args], { env: bare(env) })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export type ServerProcess = Awaited<ReturnType<typeof startServerProcess>>

/** Starts the server in a separate process, on a free port. */
export async function startServerProcess(t: Test, env: NodeJS.ProcessEnv) {
  const [command, ...args] = serverCommand(t, 'main')
  const child = spawn(command, args, {
    env: bare({ ...env, PORT: '0', LOG_LEVEL: 'info' }),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const [, address] = /listening at (http:\S+?)"/.exec(line) ?? []
      if (address) resolve(address)
    })
    exited.then(() => reject(new Error('The server ended before it listened')), reject)
  })
  return { url, exited, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}
