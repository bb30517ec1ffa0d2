import { createHash, randomUUID } from 'node:crypto'
import type { Upload } from '../../../contract/recordings.ts'
import { ApiError, invalidInput } from '../../errors.ts'
import { formatOfMediaType, type AudioFormat } from '../../audio/formats.ts'
import { CACHE_SECONDS, recordingKey } from '../../storage/recording-keys.ts'
import { detectFormat, unsupported, type RandomAccess } from '../../audio/detect-format.ts'
import { sessionNotFound } from '../errors.ts'
import { giveUp, consume, confirm, type Lease } from '../leases.ts'
import { createSessionRepository, type StoredSession } from '../repository.ts'
import type { SessionDependencies } from '../dependencies.ts'

type Dependencies = SessionDependencies & { maxRecordingBytes: number }

/** What tells the format of a recording lies at its beginning, nearly always; this much is fetched at once. */
const HEAD_BYTES = 64 * 1024

/**
 * Recordings that do not pass through this server: the client sends the bytes to a private staging bucket, by a URL
 * made for this one upload, and then has them verified and published.
 *
 * The order keeps unverified bytes from ever being public. What arrived is first moved out of reach of its upload
 * URL, so that a late second PUT cannot change it; that is verified, copied among the recordings, and only then does
 * the session get its `audio_url`. The sealed object goes last, so each step can be repeated after a failure.
 */
export function createDirectUploads(dependencies: Dependencies) {
  const { database, storage, leases, log, maxRecordingBytes } = dependencies
  const { staging } = storage
  const sessions = createSessionRepository(database.queries)

  async function seal(key: string, bytes: number, signal: AbortSignal): Promise<AudioFormat> {
    const sealedKey = sealed(key)
    await staging.seal(key, sealedKey) // or it was sealed by a request that failed later on
    const arrived = await staging.find(sealedKey)
    if (!arrived) {
      throw new ApiError(
        'upload_incomplete',
        'PUT the whole recording to the url of the upload, then complete it.'
      )
    }
    try {
      if (arrived.bytes > maxRecordingBytes) throw tooLarge(arrived.bytes)
      if (arrived.bytes !== bytes) {
        throw new ApiError(
          'upload_incomplete',
          `${arrived.bytes} bytes arrived, and ${bytes} were announced. Begin a new upload.`
        )
      }
      if (!isShortLived(arrived.cacheControl)) {
        throw invalidInput(
          '/uploadId',
          `was sent with Cache-Control ${arrived.cacheControl}: begin a new upload, and send none, or max-age=${CACHE_SECONDS}`
        )
      }
      const format = await detectFormat(await openSealed(sealedKey, bytes, signal))
      if (arrived.contentType !== format.contentType) {
        throw unsupported(
          `The bytes are ${format.contentType} and were sent as ${arrived.contentType}. Begin a new upload with the right contentType, and send that.`
        )
      }
      return format
    } catch (error) {
      signal.throwIfAborted() // somebody else may be looking at it by now
      if (error instanceof ApiError && error.statusCode < 500) await staging.remove([sealedKey])
      throw error
    }
  }

  async function openSealed(sealedKey: string, size: number, signal: AbortSignal): Promise<RandomAccess> {
    // For all reads together: bytes can be made to need hundreds, and a storage may be slow in each. Joined anew for
    // each, because Node.js 20 lets a deadline that nobody else holds be collected.
    const deadline = AbortSignal.timeout(storage.timeoutMs)
    const read = (start: number, end: number) =>
      staging.read(sealedKey, start, end, AbortSignal.any([signal, deadline]))
    const head = await read(0, Math.min(size, HEAD_BYTES))
    return {
      size,
      read: async (start, end) => (end <= head.length ? head.subarray(start, end) : read(start, end))
    }
  }

  async function publish(
    session: StoredSession,
    key: string,
    bytes: number,
    lease: Lease,
    signal: AbortSignal
  ): Promise<string> {
    const format = await seal(key, bytes, signal)
    await database.transaction(async (queries) => {
      await confirm(queries, lease)
      await createSessionRepository(queries).announceRecording(session.id, BigInt(bytes))
    })
    const target = recordingKey(session.userId, session.id, format)
    if (!(await staging.publish(sealed(key), target))) {
      await removeLeftover(target, lease)
      if (!(await staging.publish(sealed(key), target))) throw busy()
    }
    return storage.publicUrl(target)
  }

  /**
   * Removes what a request that failed has left: as long as the lease is ours, no session refers to it. Should the
   * removal fail it may still happen, so the lease is then left to expire, by a holder that nobody gives up.
   */
  async function removeLeftover(target: string, lease: Lease) {
    const rotated = await leases.rotateToken(lease)
    if (!rotated) throw busy()
    await leases.withHeartbeat(rotated, () => storage.remove([target]))
    Object.assign(lease, rotated)
  }

  async function attach(
    sub: string,
    id: string,
    key: string,
    bytes: number,
    lease: Lease
  ): Promise<StoredSession> {
    // Again: a deletion or another upload may have been waited for.
    const session = await findOwned(sub, id)
    if (session.audioUrl) {
      await leases.release(lease)
      return alreadyAttached(session, key, bytes)
    }
    const audioUrl = await leases.withHeartbeat(lease, (signal) =>
      publish(session, key, bytes, lease, signal)
    )
    await database.transaction(async (queries) => {
      await consume(queries, lease)
      if (!(await createSessionRepository(queries).attachRecording(id, audioUrl))) throw sessionNotFound()
    })
    return { ...session, audioUrl, recordingBytes: BigInt(bytes) }
  }

  async function attachUnderLease(
    sub: string,
    { id, userId }: StoredSession,
    key: string,
    bytes: number
  ): Promise<StoredSession> {
    const lease = await leases.acquire({
      sessionId: id,
      userId,
      contentDigest: digestOf(key),
      isPatient: true
    })
    return attach(sub, id, key, bytes, lease).catch(async (error) => {
      // A copy that was sent may still arrive; repeating this very upload need not wait for it.
      const isRefused = error instanceof ApiError && error.statusCode < 500
      await giveUp(dependencies, lease, isRefused ? 'release' : 'abandon', error)
      throw error
    })
  }

  /** Repeating what was done is fine; sending another recording is not. What was sealed may be either: lengths tell. */
  async function alreadyAttached(session: StoredSession, key: string, bytes: number): Promise<StoredSession> {
    if (session.recordingBytes !== BigInt(bytes) || (await staging.find(key))) throw recordingExists()
    return session
  }

  async function findOwned(sub: string, id: string): Promise<StoredSession> {
    const session = await sessions.findOwned(id, sub)
    if (!session) throw sessionNotFound()
    return session
  }

  const tooLarge = (bytes: number) =>
    new ApiError(
      'recording_too_large',
      `The recording must have at most ${maxRecordingBytes} bytes; this one has ${bytes}.`
    )

  return {
    /**
     * Begins an upload; nothing is kept of it but the URL.
     * @throws {ApiError} session_not_found; recording_exists; unsupported_recording; recording_too_large; storage_unavailable; database_unavailable
     */
    async begin(
      sub: string,
      id: string,
      { contentType, bytes }: { contentType: string; bytes: number }
    ): Promise<Upload> {
      const format = formatOfMediaType(contentType)
      if (!format) throw unsupported()
      if (bytes > maxRecordingBytes) throw tooLarge(bytes)
      const session = await findOwned(sub, id)
      if (session.audioUrl) throw recordingExists()
      // The size announced is part of the name, so that nobody has to remember it.
      const uploadId = `${randomUUID()}-${bytes}`
      const key = stagingKey(session, uploadId)
      const { url, token, expiresAt } = await staging.signUpload(key)
      return {
        uploadId,
        url,
        contentType: format.contentType,
        token,
        bucket: staging.bucket,
        path: key,
        expiresAt: expiresAt.toISOString()
      }
    },

    /**
     * Verifies what arrived, publishes it and gives it to the session. May be repeated until it succeeds, and after.
     * @throws {ApiError} session_not_found; upload_incomplete; recording_exists; unsupported_recording;
     * recording_too_large; invalid_input; session_busy; storage_unavailable; database_unavailable
     */
    async complete(sub: string, id: string, uploadId: string): Promise<StoredSession> {
      const session = await findOwned(sub, id)
      const key = stagingKey(session, uploadId)
      const bytes = Number(uploadId.split('-').at(-1))
      const attached = session.audioUrl
        ? await alreadyAttached(session, key, bytes)
        : await attachUnderLease(sub, session, key, bytes)
      await staging
        .remove([sealed(key)])
        .catch((error) =>
          log.warn({ err: error }, 'A published recording is still in staging; reconciliation will find it')
        )
      return attached
    }
  }
}

const stagingKey = ({ userId, id }: StoredSession, uploadId: string) =>
  `${userId}/${id}/${uploadId}`.toLowerCase()

/** Where no upload URL leads. */
const sealed = (key: string) => `${key}-sealed`

const digestOf = (key: string) => createHash('sha256').update(key).digest('hex')

function isShortLived(cacheControl: string): boolean {
  // Nothing beside it: s-maxage or stale-while-revalidate would outlive a deletion, too.
  const [, seconds] = /^max-age=(\d+)$/.exec(cacheControl) ?? []
  return seconds === undefined ? /^no-(cache|store)$/.test(cacheControl) : Number(seconds) <= CACHE_SECONDS
}

const recordingExists = () =>
  new ApiError('recording_exists', 'The session has a recording. Delete that first.')

const busy = () =>
  new ApiError('session_busy', 'The session is being saved or deleted at the same moment. Try again.')
