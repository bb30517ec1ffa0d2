/** The built app as a program, for tests that give it a process of its own: `now` is its argument, and comes with requests. */
import { buildApp } from '../../dist/server/app.js'
import { loadConfig } from '../../dist/server/config.js'

const [, , milliseconds] = process.argv
let now = milliseconds && new Date(Number(milliseconds))
const app = await buildApp(loadConfig(process.env), { now: () => now || new Date() })
app.server.prependListener('request', ({ headers: { 'x-test-now': header } }) => {
  if (header !== undefined) now = new Date(Number(header))
  process.send('request')
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.once('disconnect', () => app.close())
process.send(app.server.address().port)
