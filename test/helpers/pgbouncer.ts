import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findFreePort } from './free-port.ts'
import { isMissing } from './missing-program.ts'

/** Skips tests that need PgBouncer. */
export const needsPgBouncer = isMissing('pgbouncer', '--version')

/**
 * Starts PgBouncer in transaction mode before the database of a URL: each transaction gets another session.
 * @returns the URL to connect to
 */
export async function startPgBouncer(t: Test, { url, poolSize }: { url: string; poolSize: number }) {
  const port = await findFreePort()
  const directory = await mkdtemp(join(tmpdir(), 'harmony-pgbouncer-'))
  const config = join(directory, 'pgbouncer.ini')
  await chmod(directory, 0o755)
  await writeFile(config, configOf(new URL(url), { port, poolSize }))
  // It refuses to run as root.
  const asUser = userInfo().uid === 0 ? ['-u', 'nobody'] : []
  const bouncer = spawn('pgbouncer', [...asUser, config], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(bouncer, 'exit')
  let log = ''
  const listening = new Promise<void>((resolve, reject) => {
    bouncer.stderr.on('data', (data) => {
      log += data
      if (log.includes('process up')) resolve()
    })
    exited.then(() => reject(new Error(`PgBouncer has ended: ${log}`)), reject)
  })
  t.teardown(async () => {
    bouncer.kill('SIGINT')
    await exited
    await rm(directory, { recursive: true, force: true })
  })
  await listening
  return { url: `postgresql://tests@127.0.0.1:${port}/tests?pgbouncer=true` }
}

const configOf = (target: URL, { port, poolSize }: { port: number; poolSize: number }) => `
[databases]
tests = host=${target.hostname} port=${target.port || 5432} dbname=${target.pathname.slice(1)} user=${target.username} ${
  target.password && `password=${target.password}`
}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
`
