import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFresh, requestedRange } from './conditional.ts'
import type { StoredObject } from './journal.ts'
import type { ObjectRef, Objects } from './objects.ts'

// As on the real server: a page in a bucket must not run as one on the project's origin.
function servedType ({ contentType }: StoredObject) {
  return contentType.includes('text/html') ? 'text/plain' : contentType
}

function disposition (download: string) {
  const name = encodeURIComponent(download)
  return download === '' ? 'attachment' : `attachment; filename=${name}; filename*=UTF-8''${name}`
}

function setHeaders (reply: FastifyReply, object: StoredObject, download: string | undefined) {
  reply.headers({
    'accept-ranges': 'bytes',
    'content-type': servedType(object),
    etag: object.eTag,
    'last-modified': new Date(object.updatedAt).toUTCString(),
    'cache-control': object.cacheControl
  })
  if (download !== undefined) reply.header('content-disposition', disposition(download))
}

/** Answers GET or HEAD with an object, or with the range of it that was asked for. */
export function sendObject (request: FastifyRequest, reply: FastifyReply, objects: Objects, ref: ObjectRef) {
  const object = objects.find(ref)
  const { download } = request.query as { download?: string }
  if (isFresh(request.headers, object)) {
    setHeaders(reply, object, undefined)
    return reply.code(304).removeHeader('content-type').send()
  }
  const range = request.method === 'GET' ? requestedRange(request.headers, object) : undefined
  // Opened in the same turn as it was found: nobody can have replaced it in between.
  const body = request.method === 'GET' ? objects.read(object, range) : undefined
  setHeaders(reply, object, download)
  reply.header('content-length', range ? range.end - range.start + 1 : object.size)
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${object.size}`)
  return reply.send(body)
}
