import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

/** A process that writes lines of a kilobyte with their numbers, and then runs `end`. */
function start(t: Test, lines: number, end: string, stdout: StdioOptions & (number | 'pipe') = 'pipe') {
  const code = `
    import { createLogOutput } from '${new URL('../../../src/server/http/log-output.ts', import.meta.url)}'
    const output = createLogOutput()
    for (let line = 0; line < ${lines}; line++) output.write(String(line).padStart(1023) + '\\n')
    ${end}`
  const loader = ['--import', './scripts/typescript-loader.mjs', '--input-type=module', '-e', code]
  const child = spawn(process.execPath, loader, {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: ['ignore', stdout, 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

const END = 'await output.end(); process.exit(0)'
const numbersIn = (output: string) => output.trimEnd().split('\n').map(Number)

t.test('lines that nobody reads do not stop the process, and those beyond 4 MB are lost', async (t) => {
  const child = start(t, 20_000, "setTimeout(() => console.error('still running'), 500)")
  t.match(String((await once(child.stderr!, 'data'))[0]), 'still running')
  const { length } = await text(child.stdout!)
  t.ok(length > 3_000_000 && length < 6_000_000, `${length} characters`)
})

t.test('a line is written soon, although its block is not full', async (t) => {
  const child = start(t, 1, 'setInterval(() => {}, 1000)')
  t.strictSame(numbersIn(String((await once(child.stdout!, 'data'))[0])), [0])
})

t.test('the end writes what is left, in order, also to a slow reader', async (t) => {
  const child = start(t, 500, END)
  await new Promise((resolve) => setTimeout(resolve, 900)) // the pipe is full
  t.strictSame(
    numbersIn(await text(child.stdout!)),
    Array.from({ length: 500 }, (_, line) => line)
  )
})

t.test('the process ends when the reader is gone', async (t) => {
  const child = start(t, 500, `process.once('SIGINT', async () => { ${END} }); setInterval(() => {}, 1000)`)
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  child.kill('SIGINT')
  t.strictSame(await once(child, 'exit'), [0, null])
})

t.test('the process lives on and ends when the disk is full', async (t) => {
  const child = start(
    t,
    500,
    `setTimeout(async () => { console.error('still running'); ${END} }, 500)`,
    openSync('/dev/full', 'w') as never
  )
  t.match(String((await once(child.stderr!, 'data'))[0]), 'still running')
  t.strictSame(await once(child, 'exit'), [0, null])
})
