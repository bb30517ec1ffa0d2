import { detectFormat, unsupported } from '../../audio/detect-format.ts'
import { formatOfMediaType, type AudioFormat } from '../../audio/formats.ts'
import type { RandomAccess } from '../../audio/random-access.ts'
import type { StagedObject } from '../../storage/staging-bucket.ts'
import type { SessionDependencies } from '../dependencies.ts'
import { isRefusal } from '../errors.ts'
import { recordingTooLarge, uploadIncomplete } from './errors.ts'
import type { StagedUpload } from './staged-upload.ts'

/**
 * Seals an upload, then verifies its length, its format and its content type. Sealing
 * moves the object to a key that the upload URL cannot write, so that a late second PUT cannot change
 * verified bytes. An upload that is refused is removed.
 * @throws {ApiError} upload_incomplete; recording_too_large; unsupported_recording; storage_unavailable; the reason of
 * `signal`
 */
export async function verifyUpload(
  dependencies: SessionDependencies,
  upload: StagedUpload,
  signal: AbortSignal
): Promise<AudioFormat> {
  const { staging } = dependencies.storage
  // This moves nothing if an earlier request has sealed the upload and then failed.
  await staging.seal(upload.key, upload.sealedKey)
  const arrived = await staging.find(upload.sealedKey)
  if (!arrived) throw uploadIncomplete('PUT the whole recording to the url of the upload, then complete it.')
  try {
    checkLength(arrived, upload.bytes, dependencies.maxRecordingBytes)
    return await checkFormat(arrived, openSealed(dependencies, upload, signal))
  } catch (error) {
    signal.throwIfAborted() // the lease is lost: another request may be verifying the object
    if (isRefusal(error)) await staging.remove([upload.sealedKey])
    throw error
  }
}

function checkLength({ bytes }: StagedObject, announced: number, maxBytes: number): void {
  if (bytes > maxBytes) throw recordingTooLarge(bytes, maxBytes)
  if (bytes !== announced) {
    throw uploadIncomplete(`${bytes} bytes arrived, but ${announced} were announced. Begin a new upload.`)
  }
}

async function checkFormat({ contentType }: StagedObject, content: RandomAccess): Promise<AudioFormat> {
  const format = await detectFormat(content)
  // Clients send other types by default. What counts is that they do not claim to send another format.
  const claimed = formatOfMediaType(contentType)
  if (!claimed || claimed.contentType === format.contentType) return format
  throw unsupported(
    `The bytes are ${format.contentType}, but were sent as ${contentType}. ` +
      'Begin a new upload with the right contentType, and send that.'
  )
}

function openSealed(
  { storage: { staging, timeoutMs } }: SessionDependencies,
  { sealedKey, bytes }: StagedUpload,
  signal: AbortSignal
): RandomAccess {
  // One deadline for all reads, because a crafted file can need dozens of them. It begins with the first read:
  // loading the code that identifies recordings takes half a second on a slow machine.
  let deadline: AbortSignal | undefined
  return {
    size: bytes,
    read(start, end) {
      deadline ??= AbortSignal.timeout(timeoutMs)
      // Joined for each read: Node.js 20 garbage-collects a timeout signal that only a joined signal refers to.
      return staging.read(sealedKey, start, end, AbortSignal.any([signal, deadline]))
    }
  }
}
