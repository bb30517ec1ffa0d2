import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { build, startServices } from '../../../helpers/app.ts'
import { largeScore } from '../../../helpers/recordings.ts'
import { query } from '../../../helpers/scratch-database.ts'

const services = await startServices(t)

t.test('answers in pieces take turns in reading, and other answers do not wait for them', async (t) => {
  const { app, as } = await build(t, { services })
  const who = as(`auth0|${randomUUID()}`)
  await who.sync()
  const { id } = (await who.save({ xmlContent: largeScore(700_000) })).json<{ id: string }>()
  await query(
    services.database.url,
    `INSERT INTO sessions (id, user_id, song_name, instrument, date, duration_seconds)
     SELECT gen_random_uuid(), user_id, 'Etude', 'Piano', now() - i * interval '1 hour', 60
     FROM sessions, generate_series(1, 1500) i WHERE id = '${id}'`
  )
  const { pieces } = app.places
  for (const path of [`/api/sessions/${id}`, '/api/sessions', '/v0/api/sessions', `/v0/api/sessions/${id}`]) {
    const release = pieces.borrow('others', pieces.usage().places)
    const answer = who.call('GET', path)
    while (pieces.usage().waiting === 0) await setImmediate()
    t.equal((await who.stats()).statusCode, 200, 'a small answer')
    t.equal((await who.call('HEAD', path)).statusCode, 200, 'an answer without a body')
    release()
    const { statusCode, body } = await answer
    t.equal(statusCode, 200)
    t.match(JSON.parse(body), path.endsWith(id) ? { id } : { length: 1501 }, path)
    t.equal(pieces.usage().held, 0, path)
  }
})
