import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { build } from '../../helpers/app.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const { as } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const clara = as('auth0|clara')
await clara.sync()
const { id } = (await clara.save()).json<{ id: string }>()
await clara.save({ date: '2026-11-21T10:00:00Z' })

type Sent = string | { text: string }

t.test(
  "each read is one statement, which finds the user by the token's sub",
  { skip: needsServerWithin },
  async (t) => {
    const next = String((await clara.list('?limit=1')).headers.link).split(/[<>]/)[1] ?? ''
    const reads = [
      '/api/sessions',
      '/api/sessions?limit=1',
      next,
      `/api/sessions/${id}`,
      `/api/sessions/${randomUUID()}`,
      '/api/stats',
      '/api/stats?tz=Asia/Tokyo'
    ]
    // Every statement of Prisma's adapter passes through here, BEGIN and COMMIT included.
    const sent = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
    await clara.stats('?tz=Asia/Tokyo') // from now on, her id and the zone are known
    for (const who of [clara, as('auth0|stranger')]) {
      for (const url of reads) {
        sent()
        t.ok((await who.call('GET', url)).statusCode < 500)
        const statements = sent()
          .map(({ args }) => args[0] as unknown as Sent)
          .map((sql) => (typeof sql === 'string' ? sql : sql.text))
        // In another zone than the user's own, the streak is counted back from the newest session. The id of
        // a stranger is looked up for the log.
        t.equal(statements.length, url.includes('tz=') || who !== clara ? 2 : 1, url)
        t.match(statements[0], /auth0_id = \$\d/)
      }
    }
  }
)
