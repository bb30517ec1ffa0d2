import type { Config } from '../config.ts'
import type { ConfigurationFault } from '../errors.ts'
import { connectToStorage } from './client.ts'
import { createRecordingsBucket } from './recordings-bucket.ts'
import { createStagingBucket } from './staging-bucket.ts'

/** The recordings bucket, and the staging bucket to which clients upload directly. */
export type Storage = ReturnType<typeof createStorage>

/**
 * Creates the access to both buckets. It sends no request. `maxRecordingBytes` is the limit of new buckets.
 */
export function createStorage(config: Config['storage'], limits: { maxRecordingBytes: number }) {
  const { bucket, access, timeoutMs } = config
  const connection = connectToStorage(config)
  const recordings = createRecordingsBucket({
    connection,
    bucket,
    access,
    maxBytes: limits.maxRecordingBytes
  })

  const staging = createStagingBucket({
    connection,
    bucket: `${bucket}-staging`,
    recordingsBucket: bucket,
    maxBytes: limits.maxRecordingBytes
  })

  return {
    ...recordings,
    staging,

    /**
     * How long a call may make no progress, in milliseconds. Also the limit for work that needs many calls.
     */
    timeoutMs,

    /**
     * Creates both buckets if they are missing.
     * @returns how they differ from what the server needs
     * @throws {ApiError} storage_unavailable
     */
    async ensureBuckets(): Promise<ConfigurationFault[]> {
      return [...(await recordings.ensureBucket()), ...(await staging.ensureBucket())]
    },

    close: connection.close
  }
}
