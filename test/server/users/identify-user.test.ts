import fastify from 'fastify'
import fp from 'fastify-plugin'
import t from 'tap'
import identifyUser from '../../../src/server/users/identify-user.ts'

t.test('many requests of a user at once look the user up once', async (t) => {
  const app = fastify()
  const lookUps: string[] = []
  const database = {
    run: async (_statement: unknown, [sub]: [string]) => {
      lookUps.push(sub)
      await new Promise(setImmediate)
      return sub === 'nobody' ? [] : [{ id: `id of ${sub}` }]
    }
  }
  await app.register(
    fp(
      async () => {
        app.decorate('database', database as never)
      },
      { name: 'database' }
    )
  )
  await app.register(identifyUser, { config: { blockedUsers: new Set<string>() } })
  app.addHook('onRequest', async (request) => {
    request.user = { sub: String(request.headers['x-user']) }
  })
  app.addHook('onRequest', app.identifyUser)
  app.get('/', async () => 'done')
  t.teardown(() => app.close())

  const ask = (users: string[]) =>
    Promise.all(users.map((user) => app.inject({ url: '/', headers: { 'x-user': user } })))
  const answers = await ask(['clara', 'robert', 'clara', 'nobody', 'clara', 'nobody'])
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  t.strictSame(lookUps, ['clara', 'robert', 'nobody'])
  await ask(['clara', 'nobody'])
  t.strictSame(lookUps, ['clara', 'robert', 'nobody', 'nobody'], 'who was found is remembered')
})
