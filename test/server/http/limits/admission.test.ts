import fastify from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import admission from '../../../../src/server/http/limits/admission.ts'
import places from '../../../../src/server/http/limits/places.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import { isProblem } from '../../../helpers/problem.ts'

/** An app whose requests go on until `finish` is called. */
async function start(t: Test, answersWait?: Promise<void>) {
  const app = fastify()
  const running: Array<{ user: string; finish: () => void }> = []
  const work = (request: { user: { sub: string } }) =>
    new Promise<string>((resolve) => {
      running.push({ user: request.user.sub, finish: () => resolve('done') })
    })
  await app.register(problemDetails)
  await app.register(
    fp(
      async (auth) => {
        auth.addHook('onRequest', async (request) => {
          request.user = { sub: String(request.headers['x-user']) }
        })
      },
      { name: 'auth' }
    )
  )
  await app.register(places, { config: { database: { poolSize: 8 } } as never })
  app.addHook('onSend', async () => answersWait)
  await app.register(admission)
  app.get('/read', work)
  app.get('/delete', { config: { waitsForStorage: true } }, work)
  app.get('/save', { config: { waitsForStorage: ({ query }) => 'recording' in (query as object) } }, work)
  t.teardown(() => app.close())

  const call = (user: string, url = '/read') => app.inject({ url, headers: { 'x-user': user } })
  const settle = () => new Promise((resolve) => setTimeout(resolve, 20))
  const finishAll = async () => {
    for (; running.length > 0; await settle()) for (const { finish } of running.splice(0)) finish()
  }
  return { call, running, settle, finishAll }
}

t.test('one user cannot take all places, and a full queue refuses at once', async (t) => {
  const { call, running, settle, finishAll } = await start(t)
  const greedy = Array.from({ length: 200 }, () => call('greedy'))
  await settle()
  t.equal(running.length, 2)
  const others = [call('clara'), call('robert')]
  await settle()
  t.strictSame(
    running.map(({ user }) => user),
    ['greedy', 'greedy', 'clara', 'robert']
  )
  await finishAll()

  const answers = await Promise.all(greedy)
  const refused = answers.filter(({ statusCode }) => statusCode === 503)
  t.equal(refused.length, 200 - 2 - 128)
  for (const answer of refused) isProblem(t, answer, 'server_busy')
  for (const { statusCode } of await Promise.all(others)) t.equal(statusCode, 200)
})

t.test('requests that wait for the storage do not hold up the others', async (t) => {
  const { call, running, settle, finishAll } = await start(t)
  const deletions = Array.from({ length: 64 }, () => call('clara', '/delete'))
  await settle()
  t.equal(running.length, 4, 'half as many as there are connections')
  const read = call('clara')
  await settle()
  t.equal(running.length, 5)
  await finishAll()
  for (const { statusCode } of await Promise.all([...deletions, read])) t.equal(statusCode, 200)
})

t.test('a request may tell whether it waits for the storage', async (t) => {
  const { call, running, settle, finishAll } = await start(t)
  const calls = ['/save', '/save', '/save', '/save?recording'].map((url) => call('clara', url))
  await settle()
  t.equal(running.length, 3, 'two places of the database and one of the storage')
  await finishAll()
  for (const { statusCode } of await Promise.all(calls)) t.equal(statusCode, 200)
})

t.test('a place is given back before an answer waits, for memory or for the rest of a body', async (t) => {
  let send = () => {}
  const answersWait = new Promise<void>((resolve) => {
    send = resolve
  })
  const { call, running, settle, finishAll } = await start(t, answersWait)
  const first = [call('clara'), call('clara')]
  await settle()
  await finishAll()
  const next = call('clara')
  await settle()
  t.equal(running.length, 1)
  await finishAll()
  send()
  for (const { statusCode } of await Promise.all([...first, next])) t.equal(statusCode, 200)
})
