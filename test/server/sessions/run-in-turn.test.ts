import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { largeScore } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const services = await startServices(t)

t.test('answers in pieces take turns in reading, and a small answer does not wait for them', async (t) => {
  const { app, as } = await build(t, { services })
  const who = as(`auth0|${randomUUID()}`)
  await who.sync()
  const score = largeScore(700_000)
  const { id } = (await who.save({ xmlContent: score })).json<{ id: string }>()
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
    for (let tries = 0; pieces.usage().waiting === 0 && tries < 1000; tries++) await sleep(5)
    t.equal(pieces.usage().waiting, 1, path)
    t.equal((await who.call('GET', '/api/sessions?limit=5')).statusCode, 200, 'a small answer')
    t.equal((await who.call('HEAD', path)).statusCode, 200, 'an answer without a body')
    t.equal((await who.save({ xmlContent: score })).statusCode, 201, 'the answer to a write')
    release()
    const { statusCode, body } = await answer
    t.equal(statusCode, 200)
    const parsed = JSON.parse(body)
    if (path.endsWith(id)) t.equal(parsed.id, id)
    else t.ok(parsed.length > 1500)
    t.equal(pieces.usage().held, 0)
  }
})
