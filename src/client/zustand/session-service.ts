import type { Sending } from '../offline/index.ts'
import type { PracticeStorage } from '../storage-service.ts'

/** What the store needs: a storage service, or an outbox, which sends what it has queued. */
export type SessionService = PracticeStorage & {
  retry?: (id: string) => Promise<void>
  stop?: (id: string) => Promise<void>
  onSending?: (listener: (sending?: Sending) => void) => unknown
}
