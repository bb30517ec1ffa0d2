import t from 'tap'
import { loggerOptions } from '../../../src/server/http/logging.ts'

t.test('errors are logged with type, message, code, stack and three causes at most', async (t) => {
  const { serializers } = loggerOptions({ logLevel: 'info' }) as {
    serializers: { err: (error: unknown) => object }
  }
  const error = Object.assign(
    new Error('x'.repeat(600), {
      cause: new Error('a', { cause: new Error('b', { cause: new Error('c', { cause: new Error('d') }) }) })
    }),
    { code: '23505', detail: 'hush', meta: { hush: 1 }, query: 'hush' }
  )
  const described = JSON.stringify(serializers.err(error))
  t.match(described, /"code":"23505"/)
  t.notMatch(described, /hush/)
  t.notMatch(described, 'x'.repeat(501))
  t.match(described, '"message":"c"')
  t.notMatch(described, '"message":"d"')
})
