import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fixture } from '../helpers/recordings.ts'
import { failToStart, startStack } from './helpers/stack.ts'

/** Sends the request of the printed curl command: curl may not be installed. */
async function sendPrinted(printed: string) {
  const [, url = '', tokenFile = '', type = '', file = ''] =
    /^ *curl -X POST (\S+) -H "Authorization: Bearer \$\(cat (\S+)\)" \\\n *-H 'Content-Type: (.+?)' -d @(\S+)$/m.exec(
      printed
    ) ?? []
  const token = (await readFile(tokenFile, 'utf8')).trim()
  const headers = { 'content-type': type, authorization: `Bearer ${token}` }
  return { url, headers, response: await fetch(url, { method: 'POST', headers, body: await readFile(file) }) }
}

async function takePort(t: Test): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return String((server.address() as AddressInfo).port)
}

t.test('the printed commands save a recording, and it can be played, also after a restart', async (t) => {
  const dataDir = t.testdir()
  const first = await startStack(t, { DATA_DIR: dataDir })
  const { url: api, response } = await sendPrinted(first.printed)
  t.equal(response.status, 201)
  const { id, audioUrl } = (await response.json()) as { id: string; audioUrl: string }

  const played = await fetch(audioUrl)
  t.equal(played.headers.get('content-type'), 'audio/webm')
  t.ok(Buffer.from(await played.arrayBuffer()).equals(await fixture('recording.webm')), 'the same bytes')
  t.equal((await fetch(audioUrl, { headers: { range: 'bytes=0-99' } })).status, 206)

  await t.test('the token file is readable by its owner only', async (t) => {
    t.equal((await stat(join(dataDir, 'token'))).mode & 0o777, 0o600)
  })

  await t.test('the API refuses a page of another site', async (t) => {
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }]) {
      const [response] = await once(request(api, { headers }).end(), 'response')
      t.equal(response.resume().statusCode, 403)
    }
  })

  await t.test('the output shows progress, without colours in a pipe', async (t) => {
    for (const title of ['PostgreSQL', 'Migrations', 'Object storage', 'Issuer', 'API', 'Practice journal']) {
      t.match(first.printed, new RegExp(`^ {2}✓ ${title} +\\d+\\.\\d s$`, 'm'))
    }
    t.notMatch(first.printed, '\u001b')
    t.match(first.printed, 'Sign in as Clara or Robert: there are no passwords.')
  })

  await t.test(
    'a second start on the same data directory is refused with the URL of the first',
    async (t) => {
      const [, url] = /running at (\S+)/.exec(first.printed) ?? []
      const began = performance.now()
      const { code, stdout, stderr } = await failToStart(t, { DATA_DIR: dataDir })
      t.equal(code, 1)
      t.equal(stdout, '')
      t.match(stderr, `Harmony Helper is already running at ${url}\n`)
      t.notMatch(stderr, /^ +at /m, 'no stack trace')
      t.comment(`refused after ${Math.round(performance.now() - began)} ms`)
    }
  )

  await t.test('a second start on the same ports is refused with the URL of the first', async (t) => {
    const [, url = ''] = /running at (\S+)/.exec(first.printed) ?? []
    const { port } = new URL(url)
    const { code, stderr } = await failToStart(t, { DATA_DIR: t.testdir(), JOURNAL_PORT: port })
    t.equal(code, 1)
    t.match(stderr, `Harmony Helper is already running at ${url}\nPorts in use: ${port} (JOURNAL_PORT)\n`)
  })
  t.same(await first.interrupt(), { code: 0, stderr: '' })

  const second = await startStack(t, { DATA_DIR: dataDir, VITE_USE_MOCK_STORAGE: 'true' })
  t.match(second.printed, /keeps everything in the browser .* needs no sign-in/)
  const { url, headers } = await sendPrinted(second.printed)
  const history = (await (await fetch(url, { headers })).json()) as Array<{ id: string }>
  t.equal(history.length, 2)
  t.equal(history[1]?.id, id)
  t.same(await second.interrupt(), { code: 0, stderr: '' })
})

t.test('ports in use are named with their variables, before anything starts', async (t) => {
  const [api, storage] = [await takePort(t), await takePort(t)]
  t.same(await failToStart(t, { DATA_DIR: t.testdir(), PORT: api, STORAGE_PORT: storage }), {
    code: 1,
    stdout: '',
    stderr:
      `Port ${api} for the API is in use: stop the program that listens there, or set PORT to another port.\n` +
      `Port ${storage} for the object storage is in use: stop the program that listens there, or set STORAGE_PORT to another port.\n`
  })
})
