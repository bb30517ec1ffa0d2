import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The environment of a process: nothing of ours but where to find programs. */
const bare = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], ...env })

/** Runs a command of the server to its end. */
export async function runServerCode (t: Test, file: string, args: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--import', 'tsx', `src/server/${file}`, ...args], { cwd: root, env: bare(env) })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => { stdout += chunk })
  child.stderr.on('data', (chunk) => { stderr += chunk })
  const [code] = await once(child, 'close') as [number | null]
  return { code, stdout, stderr }
}

/**
 * The server as JavaScript, types taken off and nothing checked: a process starts in half the time that it needs with
 * tsx. Inside the checkout, where its packages are found.
 */
export async function compileServer (t: Test): Promise<string> {
  const directory = await mkdtemp(join(root, 'node_modules', '.server-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true, rewriteRelativeImportExtensions: true }
  for (const folder of ['contract', 'server']) {
    for (const name of await readdir(join(root, 'src', folder), { recursive: true })) {
      if (!name.endsWith('.ts')) continue
      const target = join(directory, folder, name.replace(/ts$/, 'js'))
      const source = await readFile(join(root, 'src', folder, name), 'utf8')
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, ts.transpileModule(source, { compilerOptions }).outputText)
    }
  }
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  return join(directory, 'server/main.js')
}

export type ServerProcess = Awaited<ReturnType<typeof startServerProcess>>

/** A real server process, listening on a port of its own; `compiled` is the answer of `compileServer`. */
export async function startServerProcess (t: Test, env: NodeJS.ProcessEnv, compiled?: string) {
  const child = spawn(process.execPath, compiled ? [compiled] : ['--import', 'tsx', 'src/server/main.ts'], {
    cwd: root, env: bare({ ...env, PORT: '0', LOG_LEVEL: 'info' }), stdio: ['ignore', 'pipe', 'inherit']
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
