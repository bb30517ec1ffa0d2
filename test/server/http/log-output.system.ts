import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** Prints lines of a kilobyte, and then to standard error that it is done. `keep` keeps the process alive. */
const program = (lines: number, end: string) => `
  import { createLogOutput } from '${new URL('../../../src/server/http/log-output.ts', import.meta.url)}'
  const output = createLogOutput()
  for (let line = 0; line < ${lines}; line++) output.write(String(line).padStart(1023) + '\\n')
  ${end}`

const start = (code: string) =>
  spawn(
    process.execPath,
    ['--import', './scripts/typescript-loader.mjs', '--input-type=module', '-e', code],
    {
      cwd: fileURLToPath(new URL('../../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe']
    }
  )

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const piece of stream) text += String(piece)
  return text
}

t.test('lines that nobody reads do not stop the process, and those beyond 4 MB are lost', async (t) => {
  const child = start(program(20_000, "setTimeout(() => console.error('still running'), 500)"))
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stderr, 'data')) as [Buffer]
  t.match(String(said), 'still running')
  const text = await textOf(child.stdout)
  t.ok(text.length > 3_000_000 && text.length < 6_000_000, `${text.length} characters`)
})

t.test('a line is written soon, although its block is not full', async (t) => {
  const child = start(program(1, 'setInterval(() => {}, 1000)'))
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  t.equal(String(line).trim(), '0')
})

t.test('what is left is written when the process exits', async (t) => {
  const child = start(program(100, 'process.exit(0)'))
  const text = await textOf(child.stdout)
  t.equal(text.trimEnd().split('\n').length, 100)
})
