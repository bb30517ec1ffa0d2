/**
 * The simplest server for saves: Fastify parses the whole body, Buffer decodes the recording, storage-js
 * uploads it and Prisma creates the row. Token, log, database and stats are those of our server, so that only
 * the save differs.
 */
import { randomUUID } from 'node:crypto'
import { StorageClient } from '@supabase/storage-js'
import fastify from 'fastify'
import { loadConfig } from '../src/server/config.ts'
import { loggerOptions } from '../src/server/http/logging.ts'
import auth from '../src/server/auth/plugin.ts'
import database from '../src/server/database/plugin.ts'
import problemDetails from '../src/server/http/problems/problem-details.ts'
import rateLimits from '../src/server/rate-limits/plugin.ts'
import { bodyLimit } from '../src/server/sessions/body/receive-session-body.ts'
import statsRoutes from '../src/server/stats/routes.ts'

type Body = { songName: string; instrument: string; duration: number; audioBase64: string }

const config = loadConfig(process.env)
const { url, serviceKey, bucket } = config.storage
const recordings = new StorageClient(`${url}/storage/v1`, {
  apikey: serviceKey,
  authorization: `Bearer ${serviceKey}`
}).from(bucket)
const now = () => new Date()

const app = fastify({ logger: loggerOptions(config), bodyLimit: bodyLimit(config.maxRecordingBytes) })
await app.register(problemDetails)
await app.register(database, { config })
await app.register(rateLimits, { config }) // off, but `auth` needs it
await app.register(auth, { config, now })
await app.register(
  async (api) => {
    api.addHook('onRequest', api.authenticate)
    await api.register(statsRoutes, { config, now })

    api.post<{ Body: Body }>('/sessions', async (request, reply) => {
      const { songName, instrument, duration, audioBase64 } = request.body
      const user = await app.database.queries.user.findUniqueOrThrow({ where: { auth0Id: request.user.sub } })
      const id = randomUUID()
      const key = `${user.id}/${id}.webm`
      const { error } = await recordings.upload(key, Buffer.from(audioBase64, 'base64'), {
        contentType: 'audio/webm'
      })
      if (error) throw error
      const audioUrl = recordings.getPublicUrl(key).data.publicUrl
      const session = await app.database.queries.session.create({
        data: { id, userId: user.id, songName, instrument, durationSeconds: duration, audioUrl }
      })
      return reply.code(201).send(session)
    })
  },
  { prefix: '/api' }
)

await app.listen({ host: config.host, port: config.port })
