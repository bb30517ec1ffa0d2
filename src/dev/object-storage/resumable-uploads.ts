import { randomUUID } from 'node:crypto'
import { createReadStream, readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FileStore } from '@tus/file-store'
import { Metadata, Server, type Upload } from '@tus/server'
import type { Buckets } from './buckets.ts'
import { errors, StorageError } from './errors.ts'
import { allowsType, assertKey } from './limits.ts'
import type { ObjectRef, Objects } from './objects.ts'
import type { SignedTokens } from './signed-tokens.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Path of uploads with a signed token, below that of uploads with the service key. */
export const SIGNED = '/sign'

export interface ResumableOptions {
  /** Directory of the bytes that have arrived. */
  directory: string
  /** Path under which the server answers. */
  path: string
  buckets: Buckets
  objects: Objects
  tokens: SignedTokens
}

/**
 * Resumable uploads by TUS 1.0 (https://tus.io/protocols/resumable-upload). The bytes are in files of their
 * own until all have arrived; only then there is an object. Errors have their own status and are plain text.
 */
export function createResumableUploads({ directory, path, buckets, objects, tokens }: ResumableOptions) {
  const datastore = new FileStore({ directory, expirationPeriodInMilliseconds: DAY_MS })
  const fileOf = ({ id }: Upload) => join(directory, id)

  /** The address of an upload: of a new one from the request, of an earlier one as it was stored. */
  async function refOf(request: Request, id: string): Promise<ObjectRef> {
    const isNew = request.method === 'POST'
    return toRef(isNew ? parseMetadata(request) : (await datastore.getUpload(id)).metadata)
  }

  /** Only uploads with a signed token come here without the service key. */
  async function authorize(request: Request, id: string) {
    const ref = await refOf(request, id)
    if (new URL(request.url).pathname.startsWith(path + SIGNED)) {
      tokens.check(signatureOf(request), 'upload', ref)
    } else if (request.method === 'POST') {
      objects.assertVacant(ref, { upsert: request.headers.get('x-upsert') === 'true' })
    }
  }

  async function store(upload: Upload) {
    const { contentType, cacheControl, metadata } = upload.metadata ?? {}
    const draft = {
      ...toRef(upload.metadata),
      contentType: contentType ?? 'application/octet-stream',
      cacheControl: /^\d+$/.test(cacheControl ?? '') ? `max-age=${cacheControl}` : 'no-cache',
      userMetadata: metadata ? JSON.parse(metadata) : null
    }
    await objects.put(draft, createReadStream(fileOf(upload)))
    // Its description stays, so that later requests learn that the upload has ended: 410.
    await rm(fileOf(upload))
    return { headers: { 'Tus-Complete': '1' } }
  }

  deleteEnded(directory)
  datastore.deleteExpired().catch(() => {}) // tried again with the next start

  return new Server({
    path,
    datastore,
    maxSize: async (request, id) => buckets.sizeLimit((await refOf(request, id ?? '')).bucketId),
    namingFunction: () => randomUUID(),
    generateUrl: (request, { proto, host, id }) => `${proto}://${host}${new URL(request.url).pathname}/${id}`,
    onIncomingRequest: authorize,
    async onUploadCreate(_request, { metadata }) {
      const type = metadata?.['contentType']
      const { bucketId } = toRef(metadata)
      if (type && !allowsType(buckets.find(bucketId).allowed_mime_types, type)) {
        throw errors.invalidMimeType(type)
      }
      return {}
    },
    onUploadFinish: (_request, upload) => store(upload),
    onResponseError: (_request, error) =>
      error instanceof StorageError ? { status_code: Number(error.status), body: error.message } : undefined
  })
}

function toRef(metadata: Upload['metadata']): ObjectRef {
  const { bucketName, objectName } = metadata ?? {}
  if (!bucketName) throw errors.invalidBucketName()
  assertKey(objectName ?? '')
  return { bucketId: bucketName, name: objectName ?? '' }
}

function parseMetadata(request: Request): Upload['metadata'] {
  const header = request.headers.get('upload-metadata')
  if (!header) throw errors.invalidRequest('Metadata header is required')
  try {
    return Metadata.parse(header)
  } catch {
    throw errors.invalidParameter('Invalid Upload-Metadata header')
  }
}

function signatureOf(request: Request): string {
  const signature = request.headers.get('x-signature')
  if (!signature) throw errors.invalidSignature('Missing x-signature header')
  return signature
}

/** Deletes the descriptions of uploads that have ended. */
function deleteEnded(directory: string) {
  const names = new Set(readdirSync(directory))
  for (const name of names) {
    if (name.endsWith('.json') && !names.has(name.slice(0, -'.json'.length))) rmSync(join(directory, name))
  }
}
