import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { describedAs, problemResponses, withHeader } from '../http/openapi/response-schemas.ts'
import { sendJsonPieces } from '../http/answers/send-json-pieces.ts'
import { readNewSession } from '../sessions/content.ts'
import type { StoredSession } from '../sessions/repository.ts'
import { saveSession } from '../sessions/save-session.ts'
import { scoresOf, type Score } from '../sessions/score-repository.ts'
import receiveSessionBodies from '../sessions/body/plugin.ts'
import { bodyLimit } from '../sessions/body/receive-session-body.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { toRowJson } from './row-json.ts'
import { deriveId } from './save-id.ts'
import { V0NewSessionSchema, V0SessionSchema } from './schemas.ts'
import { toNewSession } from './translate.ts'

type Options = {
  config: Pick<Config, 'maxRecordingBytes' | 'bodies'>
  playbackUrls: PlaybackUrls
}

/** `POST /v0/api/sessions`, in bounded memory. */
const saveRoute: FastifyPluginAsyncTypebox<Options> = async (app, { config, playbackUrls }) => {
  await app.register(receiveSessionBodies, { config })

  app.post(
    '/api/sessions',
    {
      bodyLimit: bodyLimit(config.maxRecordingBytes),
      config: { waitsForStorage: ({ receivedBody }) => receivedBody?.hasAudio() === true },
      schema: {
        operationId: 'v0SaveSession',
        summary: 'Save a completed session',
        description:
          'Stores all or nothing. An identical body with a `date` is a repeat of the same session: it answers 200 ' +
          'and writes nothing.',
        tags: ['Existing frontend'],
        deprecated: true,
        body: V0NewSessionSchema,
        response: {
          200: describedAs('The same session was saved before; nothing was written', V0SessionSchema),
          201: withHeader(
            describedAs('Session, recording and streak are stored', V0SessionSchema),
            'Location',
            'The path of the session'
          ),
          ...problemResponses(
            invalidInput('/song_name', 'is missing'),
            'malformed_body',
            'upload_stalled',
            'user_not_synced',
            'id_reused',
            'quota_exceeded',
            'body_too_large',
            'recording_too_large',
            'unsupported_media_type',
            'unsupported_recording',
            'storage_unavailable',
            'session_busy',
            'server_busy'
          )
        }
      }
    },
    async (request, reply) => {
      const { sub } = request.user
      const content = await readNewSession(
        toNewSession(request.body),
        async () => request.receivedBody?.recording() ?? null
      )
      const { session, created } = await saveSession(
        app.sessions,
        { sub, deadline: () => request.deadline },
        { ...content, id: deriveId(sub, content) }
      )
      // The session is saved: a missing signed URL must not turn the answer into an error. The next read has
      // one.
      const audioUrl = await playbackUrls.resolveOne(session.audioUrl).catch((error) => {
        request.log.warn({ err: error }, 'The session is saved, and its answer has no playable URL')
        return session.audioUrl
      })
      if (created) reply.code(201).header('location', `/v0/api/sessions/${session.id}`)
      return sendJsonPieces(
        reply,
        toRowJson({ audioUrl, ...describe(session, scoresOf(app.database.run, session).xmlContent) })
      )
    }
  )
}

/** A stored session in the names of the frontend, its texts apart. */
function describe(session: StoredSession, xmlContent: Score | null) {
  const { analysisSummary, analysisFeedback } = session
  const textOf = (text: Score | null) => (typeof text === 'string' ? [text] : text)
  return {
    json: JSON.stringify({
      id: session.id,
      date: session.date.toISOString(),
      song_name: session.songName,
      instrument: session.instrument,
      duration_seconds: session.durationSeconds,
      total_practice_seconds: session.durationSeconds
    }),
    texts: {
      xml_content: textOf(xmlContent),
      analysis_summary: textOf(analysisSummary || analysisFeedback),
      analysis_feedback: textOf(analysisFeedback)
    }
  }
}

export default saveRoute
