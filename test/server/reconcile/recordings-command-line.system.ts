import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { fixture } from '../../helpers/recordings.ts'
import { serverCommand } from '../../helpers/server-command.ts'

const services = await startServices(t)
const { app, as } = await build(t, { services })
const clara = as('auth0|clara')
await clara.sync()
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

/** Runs the command as npm does: in a process of its own, configured by the environment alone. */
function start(args: string[], env: NodeJS.ProcessEnv = services.env) {
  const [command, ...given] = serverCommand(t, 'commands/reconcile-recordings')
  const child = spawn(command, [...given, ...args], { env: { PATH: process.env['PATH'], ...env } })
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  const ended = Promise.all([text(child.stdout), text(child.stderr), exited]).then(
    ([output, errors, code]) => ({ output, errors, code })
  )
  return {
    ended,
    /** Sends SIGINT and resolves when the process has reacted to it. */
    async interrupt() {
      const noticed = once(child.stderr, 'data')
      child.kill('SIGINT')
      await noticed
    }
  }
}

t.test(
  'Ctrl-C stops the run with exit code 2; it prints where to continue, and the next run does',
  async (t) => {
    const neighbours = randomUUID().slice(0, -1) // no other user's id sorts between theirs
    const users = [1, 2, 3].map((digit) => `${neighbours}${digit}`)
    const [first, second, third] = (await Promise.all(users.map(putLeftover))) as [string, string, string]
    const proxy = await startFaultyProxy(t, services.storage.url)
    const hung = proxy.breakOn(`"prefix":"${users[2]}"`, 'hang')
    const { ended, interrupt } = start(['--min-age', '0'], { ...services.env, SUPABASE_URL: proxy.url })
    await hung
    await interrupt()
    await proxy.resume()
    const { code, output, errors } = await ended
    t.equal(code, 2)
    t.match(output, new RegExp(`: ${first}\n.*: ${second}\n$`))
    const [, from = ''] =
      /^Stopping after .*\nStopped by SIGINT\.\nNot all recordings were checked\. To continue from here, add (--from \S+)\n$/.exec(
        errors
      ) ?? []
    t.equal(from, `--from ${users[1]}`, errors)

    const rest = await start(['--min-age', '0', '--delete', ...from.split(' ')]).ended
    t.match(rest, { code: 0, errors: '' })
    t.match(rest.output, new RegExp(`^removed .*: ${second}\nremoved .*: ${third}\n`))
    t.ok(await app.storage.exists(first), 'skipped')
  }
)
