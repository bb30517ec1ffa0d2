import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errors } from './errors.ts'
import type { Bucket } from './change-log.ts'
import { allowsType, assertKey } from './limits.ts'
import type { Buckets } from './buckets.ts'
import type { ObjectDraft, ObjectRef, Objects } from './objects.ts'

interface IncomingFile extends Omit<ObjectDraft, keyof ObjectRef> {
  body: Readable
  /** Undefined if the client sends no length. */
  size: number | undefined
}

/** Leaves bodies of every content type unparsed, because `receiveUpload` reads them as streams. */
export function acceptBodiesAsStreams(app: FastifyInstance) {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => done(null))
}

function parseMetadata(json: string | undefined): ObjectDraft['userMetadata'] {
  try {
    return json ? JSON.parse(json) : null
  } catch {
    throw errors.invalidParameter('Invalid metadata: it must be JSON')
  }
}

function fromBody({ headers, raw }: FastifyRequest): IncomingFile {
  const metadata = headers['x-metadata']
  const length = headers['content-length']
  return {
    body: raw,
    size: length === undefined ? undefined : Number(length),
    contentType: headers['content-type'] ?? 'application/octet-stream',
    cacheControl: headers['cache-control'] ?? 'no-cache',
    userMetadata: parseMetadata(
      metadata === undefined ? undefined : Buffer.from(`${metadata}`, 'base64').toString()
    )
  }
}

/** Reads the form that storage-js sends for a Blob. The whole form is in memory. */
async function fromForm({ headers, raw }: FastifyRequest): Promise<IncomingFile> {
  const form = await new Response(Readable.toWeb(raw) as BodyInit, {
    headers: { 'content-type': `${headers['content-type']}` }
  }).formData()
  const file = [...form.values()].find((value) => value instanceof File)
  if (!file) throw errors.invalidParameter('No file provided')
  const seconds = form.get('cacheControl')
  const metadata = form.get('metadata')
  return {
    body: Readable.fromWeb(file.stream() as ReadableStream),
    size: file.size,
    contentType: file.type || 'application/octet-stream',
    cacheControl: seconds === null ? 'no-cache' : `max-age=${seconds}`,
    userMetadata: parseMetadata(typeof metadata === 'string' ? metadata : undefined)
  }
}

// As on the real server, no size limit applies to an upload without `content-length`. The caller has to check
// the size.
function assertAllowed(file: IncomingFile, rules: Bucket['allowed_mime_types'], sizeLimit: number) {
  if (!allowsType(rules, file.contentType)) throw errors.invalidMimeType(file.contentType)
  if (file.size !== undefined && file.size > sizeLimit) throw errors.entityTooLarge()
}

/** Stores the request's body, plain or a form, as the object `ref`. */
export async function receiveUpload(
  request: FastifyRequest,
  { buckets, objects }: { buckets: Buckets; objects: Objects },
  { upsert, ...ref }: ObjectRef & { upsert: boolean }
) {
  assertKey(ref.name)
  const bucket = buckets.find(ref.bucketId)
  // Checked only before the bytes arrive, as on the real server: several uploads at the same time all
  // succeed.
  if (!upsert && objects.has(ref)) throw errors.keyAlreadyExists()
  const isForm = request.headers['content-type']?.startsWith('multipart/form-data')
  const { body, size, ...draft } = isForm ? await fromForm(request) : fromBody(request)
  assertAllowed({ body, size, ...draft }, bucket.allowed_mime_types, buckets.sizeLimit(bucket.id))
  return objects.put({ ...ref, ...draft }, body)
}
