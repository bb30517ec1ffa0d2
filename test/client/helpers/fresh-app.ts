import { execFile, type ExecFileException } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { buildClient } from './build.ts'

type Environment = Record<string, string | undefined>

/** Files of an app: path and content. */
export type Files = Record<string, string>

const INSTALL_LIMIT_MS = 120_000
const NPM_OPTIONS = [
  '--no-audit',
  '--no-fund',
  '--ignore-scripts',
  '--prefer-offline',
  '--fetch-retries=1',
  '--fetch-timeout=20000'
]

/** Packs the package of the client. Returns the path of the tarball. */
export async function packClient(t: Test): Promise<string> {
  const directory = await buildClient(t)
  const [{ filename }] = JSON.parse(await npm(directory, ['pack', '--json']))
  return join(directory, filename)
}

/** Creates an npm project in a temporary directory and installs the packages. */
export async function freshApp(t: Test, packages: string[], files: Files) {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-app-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const all = { 'package.json': JSON.stringify({ private: true, type: 'module' }), ...files }
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
  await npm(directory, ['install', ...NPM_OPTIONS, ...packages])
  return {
    directory,
    /** Runs a program with Node.js. Returns its output; rejects with it when the program fails. */
    node: (args: string[], variables: Environment = {}) =>
      run(process.execPath, args, { directory, variables })
  }
}

/** npm with the machine's own registry, proxy and certificates. */
async function npm(directory: string, args: string[]): Promise<string> {
  try {
    return await run('npm', args, { directory, timeout: INSTALL_LIMIT_MS })
  } catch (error) {
    const { killed, message } = error as ExecFileException
    const reason = killed ? `It took more than ${INSTALL_LIMIT_MS / 1000} seconds.` : message
    throw new Error(`npm failed. This test needs the npm registry that npm is configured for. ${reason}`)
  }
}

function run(
  program: string,
  args: string[],
  { directory, variables, timeout }: { directory: string; variables?: Environment; timeout?: number }
): Promise<string> {
  const { NODE_OPTIONS, ...machine } = process.env // those that tap gives its children
  const options = { cwd: directory, env: { ...machine, ...variables }, timeout: timeout ?? 180_000 }
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      error.message = `${[program, ...args].join(' ')}: ${stdout}${stderr}`
      reject(error)
    })
  })
}
