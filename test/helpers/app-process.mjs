/**
 * Runs the built app for remote-app.ts. The clock's time is the argument, and the header `x-test-now` of
 * requests.
 */
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
