import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Config } from '../config.ts'
import { createPlaybackUrls } from '../storage/playback-urls.ts'
import deleteRoute from './delete-route.ts'
import type { SessionReference } from './dependencies.ts'
import editRoute from './edit-route.ts'
import getRoute from './get-route.ts'
import listRoute from './list-route.ts'
import { readSession } from './read-session.ts'
import recordingRoutes from './recording/routes.ts'
import { createSessionRepository } from './repository.ts'
import saveRoute from './save-route.ts'
import { createSessionAnswers } from './session-answers.ts'
import { createSessionJsonRepository } from './session-json-repository.ts'
import receiveSessionBodies from './body/plugin.ts'

type Options = {
  config: Pick<Config, 'maxRecordingBytes' | 'storage' | 'bodies'>
  now: () => Date
}

/** The routes under `/api/sessions`. */
const sessionRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const { database, storage, log } = app
  const playbackUrls = createPlaybackUrls({ storage, ...config.storage })
  const answers = createSessionAnswers({ database, playbackUrls, now, log })

  /** Signing URLs takes a call of the storage. */
  const routeConfig = { waitsForStorage: !playbackUrls.areCanonical }

  const repositories = {
    sessionsAsJson: createSessionJsonRepository(database.run),
    sessions: createSessionRepository(database.queries)
  }
  const read = (reference: SessionReference) => readSession(repositories, reference)

  await app.register(listRoute, { routeConfig, playbackUrls, now })
  await app.register(getRoute, { routeConfig, read, answers })

  // A scope of its own: its body parser receives large bodies in bounded memory.
  await app.register(async (scope) => {
    await scope.register(receiveSessionBodies, { config })
    await scope.register(saveRoute, { config, answers })
    await scope.register(editRoute, { routeConfig, read, answers })
  })

  await app.register(deleteRoute)
  await app.register(recordingRoutes, { answers })
}

export default sessionRoutes
