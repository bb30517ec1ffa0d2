import type { FastifyReply, FastifyRequest } from 'fastify'
import { isFresh, requestedRange } from './conditional.ts'
import type { StoredObject } from './change-log.ts'
import type { ObjectRef, Objects } from './objects.ts'

// As on the real server: a stored HTML page must not run as a page of the project's origin.
function servedType({ contentType }: StoredObject) {
  return contentType.includes('text/html') ? 'text/plain' : contentType
}

function disposition(download: string) {
  const name = encodeURIComponent(download)
  return download === '' ? 'attachment;' : `attachment; filename=${name}; filename*=UTF-8''${name}`
}

interface Presentation {
  download?: string | undefined
  expires?: Date | undefined
}

function cacheControl({ headers }: FastifyRequest, object: StoredObject) {
  const tag = headers['if-none-match']
  const isStale = tag !== undefined && tag !== object.eTag
  return isStale ? `${object.cacheControl}, stale-while-revalidate=30` : object.cacheControl
}

function setHeaders(reply: FastifyReply, object: StoredObject, { download, expires }: Presentation) {
  reply.headers({
    'accept-ranges': 'bytes',
    'content-type': servedType(object),
    etag: object.eTag,
    'last-modified': new Date(object.updatedAt).toUTCString(),
    ...(expires
      ? { expires: expires.toUTCString() }
      : { 'cache-control': cacheControl(reply.request, object) })
  })
  if (download !== undefined) reply.header('content-disposition', disposition(download))
}

interface Source {
  objects: Objects
  ref: ObjectRef
  /**
   * When the access of the caller ends. Sent to caches as `expires`, instead of the object's `cache-control`.
   */
  expires?: Date
}

/** Answers GET or HEAD with an object or a range of it. */
export function sendObject(request: FastifyRequest, reply: FastifyReply, { objects, ref, expires }: Source) {
  const object = objects.find(ref)
  const { download } = request.query as { download?: string }
  if (isFresh(request.headers, object)) {
    setHeaders(reply, object, { expires })
    return reply.code(304).removeHeader('content-type').send()
  }
  const range = request.method === 'GET' ? requestedRange(request.headers, object) : undefined
  // Opened synchronously after `find`, so that no other request can replace the object in between.
  const body = request.method === 'GET' ? objects.read(object, range) : undefined
  setHeaders(reply, object, { download, expires })
  reply.header('content-length', range ? range.end - range.start + 1 : object.size)
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${object.size}`)
  return reply.send(body)
}
