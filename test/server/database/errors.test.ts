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

t.test('lost connections and failures of TLS are an unavailable database', async (t) => {
  for (const code of [
    'ECONNRESET',
    'EAI_AGAIN',
    'ENOTFOUND',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER'
  ]) {
    const error = Object.assign(new Error('lost'), { code })
    await t.rejects(withTimeLimit(Promise.reject(error), 1000), { code: 'database_unavailable' })
  }
})

t.test('errors of other kinds are not converted', async (t) => {
  for (const code of [undefined, 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_STATE']) {
    const ours = Object.assign(new TypeError('our own mistake'), { code })
    t.equal(await withTimeLimit(Promise.reject(ours), 1000).catch((error: unknown) => error), ours)
  }
})
