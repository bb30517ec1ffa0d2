import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import { runReconciliation } from '../../../src/server/reconcile/recordings-command-line.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'

const services = await startServices(t)
const { app, as } = await build(t, { services })
const clara = as('auth0|clara')
const { id: userId } = (await clara.sync()).json<User>()
const bytes = await fixture('recording.webm')

const put = (key: string) =>
  app.storage.upload({
    key,
    bytes: bytes.length,
    stream: () => Readable.from([bytes]),
    contentType: 'audio/webm',
    signal: new AbortController().signal
  })

async function putLeftover(userId: string) {
  const key = `${userId}/${randomUUID()}.webm`
  await put(key)
  return key
}

/** Runs the command within this process. */
async function reconcile(args: string[] = [], env: NodeJS.ProcessEnv = services.env) {
  let [output, errors] = ['', '']
  const out = {
    log: (line: string) => {
      output += `${line}\n`
    },
    error: (line: string) => {
      errors += `${line}\n`
    }
  }
  const code = await runReconciliation({ args, env, signal: new AbortController().signal, out })
  return { output, errors, code }
}

t.test('the exit code is 0 when everything matches; young leftovers are ignored', async (t) => {
  t.equal((await clara.save({ audioBase64: bytes.toString('base64') })).statusCode, 201)
  await putLeftover(userId)
  t.strictSame(await reconcile(['--delete']), {
    output: 'Recordings and sessions agree.\n',
    errors: '',
    code: 0
  })
})

t.test('the exit code is 1 until all findings are repaired', async (t) => {
  const found = await reconcile(['--min-age', '0'])
  t.equal(found.code, 1)
  t.match(
    found.output,
    new RegExp(`^found a recording without a session: ${userId}/.*\\.webm\n1 finding needs attention\\.\n$`)
  )
  const removed = await reconcile(['--min-age', '0', '--delete'])
  t.equal(removed.code, 0)
  t.match(
    removed.output,
    new RegExp(
      `^removed a recording without a session: ${userId}/.*\\.webm\nRecordings and sessions agree\\.\n$`
    )
  )
})

t.test(
  'a session whose recording is missing gives exit code 1, also with --delete; foreign objects do not',
  async (t) => {
    const { id } = (await clara.save({ audioBase64: bytes.toString('base64') })).json<SessionData>()
    await app.storage.remove([`${userId}/${id}.webm`])
    await put('readme.txt')
    const { code, output } = await reconcile(['--min-age', '0', '--delete'])
    t.equal(code, 1)
    t.match(output, `found a session whose recording is missing: ${id} (${userId}/${id}.webm)\n`)
    t.match(output, 'found an object that is not a recording, left in place: readme.txt\n')
    t.match(output, '\n1 finding needs attention.\n')
    await app.storage.remove(['readme.txt'])
    await clara.remove(id)
  }
)

t.test('a failure gives exit code 2 and one message without secrets', async (t) => {
  const { SUPABASE_URL: _, ...incomplete } = services.env
  const cases: Array<[args: string[], env: NodeJS.ProcessEnv, message: RegExp]> = [
    [['--min-age', 'soon'], services.env, /--min-age must be a number of minutes/],
    [['--min-age', ''], services.env, /--min-age must be a number of minutes/],
    [['--from', 'clara'], services.env, /--from must be the id of a user/],
    [['--remove'], services.env, /--remove/],
    [[], incomplete, /SUPABASE_URL is missing/],
    [
      [],
      { ...services.env, DATABASE_URL: 'postgresql://owner:hush@127.0.0.1:1/x' },
      /practice history is unavailable/
    ],
    [
      [],
      {
        ...services.env,
        SUPABASE_URL: 'http://127.0.0.1:1',
        SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_hush'
      },
      /Recording storage is unavailable/
    ]
  ]
  for (const [args, env, message] of cases) {
    const { code, output, errors } = await reconcile(args, env)
    t.equal(code, 2)
    t.equal(output, '')
    t.match(errors, message)
    t.notMatch(errors, /hush|\n\s+at |add --from/)
  }
})

t.test('--help explains the exit codes and does nothing', async (t) => {
  const { code, output } = await reconcile(['--help'], {})
  t.equal(code, 0)
  t.match(output, /--delete[^]*--min-age[^]*--from[^]*Exit code: 0/)
})
