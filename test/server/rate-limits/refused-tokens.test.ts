import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { createRefusedTokens } from '../../../src/server/rate-limits/refused-tokens.ts'
import { createRateLimiter } from '../../../src/server/rate-limits/rate-limiter.ts'

t.test('the log says once that an unknown proxy keeps its clients from signing in', async (t) => {
  const tokens = createRefusedTokens(createRateLimiter({ name: 'test', limit: 1, windowSeconds: 60 }))
  const warnings: string[] = []
  const request = (ip: string, peer: string, headers = {}) =>
    ({
      ip,
      headers,
      raw: { socket: { remoteAddress: peer } },
      log: { warn: (text: string) => warnings.push(text) }
    }) as unknown as FastifyRequest
  const forwarded = { 'x-forwarded-for': '192.0.2.1' }

  for (const ip of ['192.0.2.1', '10.0.0.1']) await tokens.count(request(ip, ip))
  for (const known of [request('10.0.0.1', '10.0.0.1'), request('192.0.2.1', '10.0.0.1', forwarded)]) {
    await t.rejects(tokens.check(known), { code: 'too_many_requests' })
  }
  t.strictSame(warnings, [], 'without a proxy, or with a known one')
  for (let count = 0; count < 3; count++) {
    await t.rejects(tokens.check(request('10.0.0.1', '10.0.0.1', forwarded)), { code: 'too_many_requests' })
  }
  t.match(warnings, [/TRUST_PROXY/])
  t.equal(warnings.length, 1)
})
