import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startJournal } from '../../src/dev/practice-journal.ts'

const options = { api: 'http://127.0.0.1:1', issuer: 'http://127.0.0.1:2/', audience: 'https://api.test' }

async function listen(answer = '') {
  const server = createServer((request, response) => response.end(`${request.url} ${answer}`)).listen(
    0,
    '127.0.0.1'
  )
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => once(server.close(), 'close')
  return { port, close }
}

t.test('the practice journal is served with the issuer and a proxy to the API', async (t) => {
  const api = await listen('from the API')
  t.teardown(api.close)
  const { port, close } = await listen()
  await close()
  const journal = await startJournal({ ...options, port, api: `http://127.0.0.1:${api.port}` })
  t.teardown(journal.close)
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()

  t.equal(journal.url, `http://localhost:${port}`)
  t.match(await get('/'), '<title>Practice Journal</title>')
  t.match(await get('/src/services/auth.ts'), 'http://127.0.0.1:2"', 'knows the issuer')
  t.equal(await get('/api/sessions'), '/api/sessions from the API', 'passes API calls on')
})

t.test('the largest recording is that of the API', async (t) => {
  t.intercept(process, 'env', { value: { ...process.env, MAX_RECORDING_BYTES: '1048576' } })
  const { port, close } = await listen()
  await close()
  const journal = await startJournal({ ...options, port })
  t.teardown(journal.close)
  const files = await (await fetch(`http://127.0.0.1:${port}/src/practice/files.ts`)).text()
  t.match(files, '"VITE_MAX_RECORDING_BYTES": "1048576"')
})

t.test('a port in use is named in the error', async (t) => {
  const other = await listen()
  t.teardown(other.close)
  await t.rejects(startJournal({ ...options, port: other.port }), {
    message: /^Port \d+ of 127.0.0.1 is taken: .*JOURNAL_PORT/
  })
})
