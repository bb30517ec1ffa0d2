import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startServices } from '../../helpers/app.ts'
import { findFreePort } from '../../helpers/free-port.ts'
import { serverCommand } from '../../helpers/server-command.ts'

/**
 * The real server in its own process, on embedded services that keep running: a test can kill the server and
 * restart it on the same port.
 */
export async function startRealApi(t: Test, env: NodeJS.ProcessEnv = {}) {
  const { env: services, issuer, database } = await startServices(t)
  const port = await findFreePort()
  const baseUrl = `http://127.0.0.1:${port}`
  let server: ReturnType<typeof spawn> | undefined

  async function start() {
    const [command, ...args] = serverCommand(t, 'main')
    server = spawn(command, args, {
      env: { PATH: process.env['PATH'], ...services, PORT: String(port), ...env },
      stdio: ['ignore', 'inherit', 'inherit']
    })
    const exited = once(server, 'exit').then(() => {
      throw new Error('The server ended instead of starting')
    })
    exited.catch(() => {})
    await Promise.race([exited, ready()])
  }

  async function ready() {
    while (
      !(await fetch(`${baseUrl}/readyz`).then(
        ({ ok }) => ok,
        () => false
      ))
    ) {
      await sleep(50)
    }
  }

  async function kill() {
    if (server?.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  t.teardown(kill)
  await start()
  return { baseUrl, start, kill, database, newAccount: () => newAccount(issuer.token) }
}

export type RealApi = Awaited<ReturnType<typeof startRealApi>>

/** A user whom the server does not know yet. */
export function newAccount(sign: (sub: string) => string) {
  const sub = `auth0|${randomUUID()}`
  return { token: sign(sub), profile: { sub, email: 'clara@example.com', name: 'Clara' } }
}
