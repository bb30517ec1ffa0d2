import { UUID_PATTERN } from '../../contract/uuid.ts'
import type { Queries } from '../database/client.ts'
import { createOpenUploads } from '../sessions/recording/open-uploads.ts'
import type { BucketEntry } from '../storage/list-bucket.ts'

const STAGED_KEY = new RegExp(`^(${UUID_PATTERN})/(${UUID_PATTERN})/(${UUID_PATTERN}-\\d+)(-sealed)?$`)

/**
 * Whether an object of the staging bucket is older than `minAgeMs` and cannot become a recording any more. While its
 * upload URL is valid, it may belong to an upload of the previous release, which is not in `open_uploads`.
 */
export async function cannotBeCompleted(
  queries: Queries,
  { key, modifiedAt }: Pick<BucketEntry, 'key' | 'modifiedAt'>,
  minAgeMs: number
): Promise<boolean> {
  const isOldEnough = modifiedAt.getTime() <= Date.now() - minAgeMs // false for a missing time
  if (!isOldEnough) return false
  const [, , sessionId, uploadId] = STAGED_KEY.exec(key) ?? []
  if (!sessionId || !uploadId) return true
  return !(await createOpenUploads(queries).mayBeCompleted(sessionId, uploadId))
}
