import t from 'tap'
import { withTimeLimit } from '../../../src/server/database/errors.ts'

t.test('a host that refuses on all addresses is an unavailable database', async (t) => {
  const refused = Object.assign(new AggregateError([new Error('::1'), new Error('127.0.0.1')], ''), {
    code: 'ECONNREFUSED'
  })
  await t.rejects(withTimeLimit(Promise.reject(refused), 1000), {
    code: 'database_unavailable',
    statusCode: 503
  })
})

t.test('errors of other kinds are not converted', async (t) => {
  const ours = new TypeError('our own mistake')
  t.equal(await withTimeLimit(Promise.reject(ours), 1000).catch((error: unknown) => error), ours)
})
