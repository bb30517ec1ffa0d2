import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'

const services = await startServices(t)

t.test('refuses blocked users on every route, and nobody else', async (t) => {
  const { as } = await build(t, { services })
  const blocked = (await as('auth0|blocked').sync()).json<User>()
  await as('auth0|innocent').sync()

  const strict = await build(t, { services, env: { BLOCKED_USERS: `${blocked.id.toUpperCase()}, ` } })
  const who = strict.as('auth0|blocked')
  for (const response of [await who.list(), await who.save(), await who.stats(), await who.sync()]) {
    isProblem(t, response, 'blocked')
  }
  t.equal((await strict.as('auth0|innocent').list()).statusCode, 200)
  t.equal((await strict.as('auth0|newcomer').sync()).statusCode, 201)
})

t.test('a user who syncs for the first time is known soon after', async (t) => {
  const { as } = await build(t, { services })
  const who = as('auth0|fresh')
  t.equal((await who.list()).body, '[]')
  t.equal((await who.sync()).statusCode, 201)
  t.equal((await who.save()).statusCode, 201)
})

t.test('answers about a person are not stored, except conditionally', async (t) => {
  const { as } = await build(t, { services })
  const who = as('auth0|cache')
  t.equal((await who.sync()).headers['cache-control'], 'no-store')
  const saved = await who.save()
  t.equal((await who.list()).headers['cache-control'], 'private, no-cache')
  t.equal((await who.get('00000000-0000-4000-8000-000000000000')).headers['cache-control'], 'no-store')
  t.equal((await who.remove(saved.json<{ id: string }>().id)).headers['cache-control'], 'no-store')
})
