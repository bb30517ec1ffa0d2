import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptBodiesAsStreams } from './receive-upload.ts'
import { createResumableUploads, SIGNED } from './resumable-uploads.ts'

type Uploads = ReturnType<typeof createResumableUploads>

/** `/upload/resumable`: uploads by TUS with the service key; under `/sign` with a signed token. */
export const resumableRoutes = (uploads: Uploads, { isSigned }: { isSigned: boolean }) =>
  async function routes(app: FastifyInstance) {
    acceptBodiesAsStreams(app)
    const url = `/upload/resumable${isSigned ? SIGNED : ''}`

    async function handler(request: FastifyRequest, reply: FastifyReply) {
      reply.hijack()
      await uploads.handle(request.raw, reply.raw)
    }
    app.route({ method: 'POST', url, handler })
    app.route({ method: ['HEAD', 'PATCH', 'DELETE'], url: `${url}/:uploadId`, handler })
  }
