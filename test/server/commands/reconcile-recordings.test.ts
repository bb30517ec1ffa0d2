import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { build, startSurroundings } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { runTypescript } from '../../helpers/run-typescript.ts'

const command = fileURLToPath(new URL('../../../src/server/commands/reconcile-recordings.ts', import.meta.url))
const surroundings = await startSurroundings(t)
const { app, as } = await build(t, { surroundings })
const clara = as('auth0|clara')
const { id: userId } = (await clara.sync()).json<User>()
const bytes = await fixture('recording.webm')

/** As npm runs it: in a process of its own, from the environment alone. */
async function reconcile (args: string[] = [], env: NodeJS.ProcessEnv = surroundings.env) {
  const child = spawn(process.execPath, [...runTypescript, command, ...args], { env: { PATH: process.env['PATH'], ...env } })
  const exited = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { output, errors, code }
}

t.test('everything in order is exit code 0; young leftovers are in order', async (t) => {
  t.equal((await clara.save({ audioBase64: bytes.toString('base64') })).statusCode, 201)
  await app.storage.upload({ key: `${userId}/${randomUUID()}.webm`, bytes: bytes.length, stream: () => Readable.from([bytes]), contentType: 'audio/webm', signal: new AbortController().signal })
  t.strictSame(await reconcile(['--delete']), { output: 'Recordings and sessions agree.\n', errors: '', code: 0 })
})

t.test('findings are exit code 1 until they are put right', async (t) => {
  const found = await reconcile(['--min-age', '0'])
  t.equal(found.code, 1)
  t.match(found.output, new RegExp(`^found a recording without a session: ${userId}/.*\\.webm\n1 found that needs attention\\.\n$`))
  const removed = await reconcile(['--min-age', '0', '--delete'])
  t.equal(removed.code, 0)
  t.match(removed.output, new RegExp(`^removed a recording without a session: ${userId}/.*\\.webm\nRecordings and sessions agree\\.\n$`))
})

t.test('a session whose recording is gone is exit code 1, also with --delete; foreign objects are no fault', async (t) => {
  const { id } = (await clara.save({ audioBase64: bytes.toString('base64') })).json<{ id: string }>()
  await app.storage.remove([`${userId}/${id}.webm`])
  await app.storage.upload({ key: 'readme.txt', bytes: bytes.length, stream: () => Readable.from([bytes]), contentType: 'text/plain', signal: new AbortController().signal })
  const { code, output } = await reconcile(['--min-age', '0', '--delete'])
  t.equal(code, 1)
  t.match(output, `found a session whose recording is gone: ${id} (${userId}/${id}.webm)\n`)
  t.match(output, 'found an object that is no recording of ours, left alone: readme.txt\n')
  t.match(output, '\n1 found that needs attention.\n')
  await app.storage.remove(['readme.txt'])
})

t.test('what fails is exit code 2 and one message without secrets', async (t) => {
  const { SUPABASE_URL: _, ...incomplete } = surroundings.env
  const cases: Array<[args: string[], env: NodeJS.ProcessEnv, message: RegExp]> = [
    [['--min-age', 'soon'], surroundings.env, /--min-age must be a number of minutes/],
    [[], incomplete, /SUPABASE_URL is missing/],
    [[], { ...surroundings.env, DATABASE_URL: 'postgresql://owner:hush@127.0.0.1:1/x' }, /practice history cannot be reached/],
    [[], { ...surroundings.env, SUPABASE_URL: 'http://127.0.0.1:1', SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_hush' }, /./]
  ]
  const results = await Promise.all(cases.map(async ([args, env, message]) => ({ message, ...await reconcile(args, env) })))
  for (const { message, code, output, errors } of results) {
    t.equal(code, 2)
    t.equal(output, '')
    t.match(errors, message)
    t.notMatch(errors, /hush|\n\s+at /)
  }
})

t.test('--help explains the exit codes and does nothing', async (t) => {
  const { code, output } = await reconcile(['--help'], {})
  t.equal(code, 0)
  t.match(output, /--delete[^]*--min-age[^]*Exit code: 0/)
})
