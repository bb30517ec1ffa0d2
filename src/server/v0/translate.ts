import { MAX_DURATION_SECONDS } from '../../contract/limits.ts'
import type { NewSession } from '../../contract/session-input.ts'
import type { SyncUser } from '../../contract/users.ts'
import { readProfile } from '../users/profile.ts'
import type { V0NewSession, V0User } from './schemas.ts'

/** A user as `POST /api/users/sync` takes it. */
export const toProfile = (body: V0User): SyncUser => ({ ...readProfile(body), auth0_id: body.sub })

/** A session as `POST /api/sessions` takes it. */
export const toNewSession = (body: V0NewSession): NewSession => ({
  songName: body.song_name,
  instrument: body.instrument,
  duration: practiceSeconds(body),
  date: body.date ?? null,
  xmlContent: body.xml_content ?? null,
  analysis: body.analysis
    ? {
        summary: body.analysis.performace_summary ?? null,
        feedback: body.analysis['coach-feedback'] ?? null,
        markedXml: body.analysis['marked-up-musicxml'] ?? null
      }
    : null,
  audioBase64: body.audioBase64 ?? null
})

/**
 * The frontend counts `total_practice_seconds` as long as its page is open. It is 0 or null where nothing was
 * counted.
 */
function practiceSeconds({ total_practice_seconds: total, duration_seconds: recorded }: V0NewSession) {
  return total && total > 0 ? Math.min(total, MAX_DURATION_SECONDS) : (recorded ?? 0)
}
