import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { fixture } from '../helpers/recordings.ts'

/** Starts what `npm run dev` starts, on ports of its own, and waits for what it prints. */
async function startStack(t: Test, dataDir: string) {
  const child = spawn(process.execPath, [...process.execArgv, 'src/dev/main.ts'], {
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      PORT: '0',
      POSTGRES_PORT: '0',
      ISSUER_PORT: '0',
      STORAGE_PORT: '0'
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(child, 'exit')
  const complaints = text(child.stderr)
  t.teardown(() => child.kill('SIGKILL'))
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
      return { code, complaints: await complaints }
    }
  }
}

/** Sends what the printed curl would send; a fresh machine need not have curl. */
async function sendPrinted(printed: string) {
  const [, url = '', type = '', authorization = '', file = ''] =
    /^curl -X POST (\S+) -H 'Content-Type: (.+?)' -H 'Authorization: (.+?)' -d @(\S+)$/m.exec(printed) ?? []
  const headers = { 'content-type': type, authorization }
  return { url, headers, response: await fetch(url, { method: 'POST', headers, body: await readFile(file) }) }
}

t.test(
  'a newcomer saves a recording with the printed curl, hears it, and finds it again after a restart',
  async (t) => {
    const dataDir = t.testdir()
    const first = await startStack(t, dataDir)
    const { response } = await sendPrinted(first.printed)
    t.equal(response.status, 201)
    const { id, audioUrl } = (await response.json()) as { id: string; audioUrl: string }

    const played = await fetch(audioUrl)
    t.equal(played.headers.get('content-type'), 'audio/webm')
    t.ok(Buffer.from(await played.arrayBuffer()).equals(await fixture('recording.webm')), 'the same bytes')
    t.equal((await fetch(audioUrl, { headers: { range: 'bytes=0-99' } })).status, 206)
    t.same(await first.interrupt(), { code: 0, complaints: '' })

    const second = await startStack(t, dataDir)
    const { url, headers } = await sendPrinted(second.printed)
    const history = (await (await fetch(url, { headers })).json()) as Array<{ id: string }>
    t.equal(history.length, 2)
    t.equal(history[1]?.id, id)
    t.same(await second.interrupt(), { code: 0, complaints: '' })
  }
)
