import { UUID_PATTERN } from '../../contract/uuid.ts'
import { createOpenUploads } from '../sessions/recording/open-uploads.ts'
import type { BucketEntry } from '../storage/list-bucket.ts'
import type { Swept, SweepOptions } from './sweep.ts'
import { walkBucket } from './walk-bucket.ts'

/** Objects that one round looks at; it then goes on to the end of the user's. */
const OBJECTS = 1000
/** The life of an upload URL: the previous release does not store which uploads are open. */
const MIN_AGE_MS = 2 * 3_600_000

const STAGED_KEY = new RegExp(`^(${UUID_PATTERN})/(${UUID_PATTERN})/(${UUID_PATTERN}-\\d+)(-sealed)?$`)

/** Removes objects of the staging bucket that cannot become a recording any more. */
export async function sweepStaging(options: SweepOptions): Promise<Pick<Swept, 'staged' | 'next'>> {
  const { storage, from } = options
  let seen = 0
  let staged = 0
  let user = ''

  async function visit(entry: BucketEntry): Promise<boolean> {
    const folder = entry.key.split('/', 1)[0] ?? ''
    if (options.isOver() || (seen++ >= OBJECTS && folder !== user)) throw new EndOfRound(folder)
    user = folder
    if (!(await isUseless(options, entry))) return false
    await storage.staging.remove([entry.key])
    staged++
    return true
  }

  try {
    await walkBucket(storage.staging, { depth: 2, visit, ...(from !== undefined && { from }) })
    return { staged, next: undefined }
  } catch (error) {
    if (error instanceof EndOfRound) return { staged, next: error.next }
    throw error
  }
}

async function isUseless(
  { database, minAgeMs = MIN_AGE_MS }: SweepOptions,
  { key, modifiedAt }: BucketEntry
): Promise<boolean> {
  if (modifiedAt.getTime() > Date.now() - minAgeMs) return false
  const [, , sessionId, uploadId] = STAGED_KEY.exec(key) ?? []
  if (!sessionId || !uploadId) return true
  return !(await createOpenUploads(database.queries).mayBeCompleted(sessionId, uploadId))
}

/** Ends the walk. `next`: the folder with which the next round begins. */
class EndOfRound extends Error {
  readonly next: string
  constructor(next: string) {
    super('The round ends here')
    this.next = next
  }
}
