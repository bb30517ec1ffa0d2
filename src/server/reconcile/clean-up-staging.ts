import type { BucketEntry } from '../storage/list-bucket.ts'
import { UPLOAD_URL_LIFE_MS } from '../config.ts'
import { cannotBeCompleted } from './cannot-be-completed.ts'
import type { CleanedUp, CleanUpOptions } from './clean-up.ts'
import { walkBucket } from '../storage/walk-bucket.ts'

/** Objects that one round looks at; a round finishes the folder of its last user. */
const OBJECTS = 1000

/** Removes objects of the staging bucket that cannot become a recording any more. */
export async function cleanUpStaging(options: CleanUpOptions): Promise<Pick<CleanedUp, 'staged' | 'next'>> {
  const { database, storage, from, minAgeMs = UPLOAD_URL_LIFE_MS } = options
  let seen = 0
  let staged = 0
  let user = ''

  async function visit(entry: BucketEntry): Promise<boolean> {
    const folder = entry.key.split('/', 1)[0] ?? ''
    if (options.isOver() || (seen++ >= OBJECTS && folder !== user)) throw new EndOfRound(folder)
    user = folder
    if (!(await cannotBeCompleted(database.queries, entry, minAgeMs))) return false
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

/** Ends the walk. `next`: the folder with which the next round begins. */
class EndOfRound extends Error {
  readonly next: string
  constructor(next: string) {
    super('The round ends here')
    this.next = next
  }
}
