import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'

const ANY_PORT = { PORT: '0', POSTGRES_PORT: '0', ISSUER_PORT: '0', STORAGE_PORT: '0', JOURNAL_PORT: '0' }

function spawnStack(t: Test, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [...process.execArgv, 'src/dev/main.ts'], {
    env: { ...process.env, ...ANY_PORT, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, exited: once(child, 'exit'), stderr: text(child.stderr) }
}

/** Starts what `npm run dev` starts, on free ports, and waits for the text that it prints. */
export async function startStack(t: Test, env: NodeJS.ProcessEnv) {
  const { child, exited, stderr } = spawnStack(t, env)
  let printed = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += chunk
    if (printed.includes('shows every request')) break
  }
  child.stdout.resume()
  return {
    printed,
    async interrupt() {
      child.kill('SIGINT')
      const [code] = await exited
      return { code, stderr: await stderr }
    }
  }
}

/** Starts a stack that is expected to fail, and returns what it printed. */
export async function failToStart(t: Test, env: NodeJS.ProcessEnv) {
  const { child, exited, stderr } = spawnStack(t, env)
  const [stdout, [code]] = await Promise.all([text(child.stdout), exited])
  return { code, stdout, stderr: await stderr }
}
