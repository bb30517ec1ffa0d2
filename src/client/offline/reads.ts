import { dailyPractice, faultOfRange, adjustDays } from '../../contract/daily-practice.ts'
import { adjustStats } from '../../contract/adjust-stats.ts'
import { localDay } from '../../contract/local-day.ts'
import { practiceDays, summarise } from '../../contract/practice-days.ts'
import type { Clock } from '../clock.ts'
import { datedSessions, type DatedSession } from '../dated-sessions.ts'
import { promised } from '../indexed-db.ts'
import { listed } from '../session-changes.ts'
import { newestFirst } from '../session-order.ts'
import type {
  CallOptions,
  DailyPractice,
  DayRange,
  PracticeStorage,
  SessionData,
  UserStatsData
} from '../storage-service.ts'
import { createKeptReads, isUnreachable } from './kept-reads.ts'
import { isBeingDeleted, withPendingChanges, withQueue, type QueueItem } from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'

export type ReadsOptions = {
  service: PracticeStorage
  queue: QueueStorage
  clock: Clock
  isOnline: () => boolean
  timeZone: string
}

const HISTORY = 'history'
const STATS = 'stats'
const sessionKey = (id: string) => `session:${id}`

/** The outbox's reads: the account's answers or, without a network, the kept ones, with what waits. */
export function createReads({ service, queue, clock, isOnline, timeZone }: ReadsOptions) {
  const kept = createKeptReads({ transact: queue.transact, clock, isOnline })

  // Without the queue, the account's answers are all there is.
  const queued = () => queue.all().catch((): QueueItem[] => [])

  const storedHistory = (options: CallOptions) =>
    kept.read(HISTORY, (asking) => service.getSessions(asking), options)

  /** The history as the account has it, and as it will be. What was refused does not count. */
  async function histories(items: QueueItem[], isStale: boolean, { signal }: CallOptions) {
    const stored = isStale
      ? (await kept.find<SessionData[]>(HISTORY))?.value
      : await storedHistory({ signal }).catch(() => undefined)
    const before = stored ?? []
    const after = withQueue(
      before,
      items.filter(({ refusal }) => !refusal)
    )
    return { isKnown: Boolean(stored), before: datedSessions(before), after: datedSessions(after) }
  }

  return {
    async getSessions(options: CallOptions = {}): Promise<SessionData[]> {
      // Read the queue first: a session that is delivered in between is then in both lists instead of in none.
      const items = await queued()
      const history = await storedHistory(options).catch((error) => {
        if (items.length === 0 || !isUnreachable(error)) throw error
        return []
      })
      return newestFirst(withQueue(history, items))
    },

    async getSessionById(id: string, options: CallOptions = {}): Promise<SessionData | null> {
      const item = await queue.find(id).catch(() => undefined)
      if (item && isBeingDeleted(item)) return null
      const session =
        item?.session ??
        (await kept.read(sessionKey(id), (asking) => service.getSessionById(id, asking), options))
      return item && session ? withPendingChanges(item, session) : session
    },

    async getUserStats(options: CallOptions = {}): Promise<UserStatsData> {
      const items = await queued()
      let isStale = false
      const onStale: CallOptions['onStale'] = (stale) => {
        isStale = true
        options.onStale?.(stale)
      }
      const stats = await kept.read(STATS, (asking) => service.getUserStats(asking), { ...options, onStale })
      if (!isStale && items.length === 0) return stats
      // Loaded after the stats: what was delivered in between is in the history, and so counts once.
      const { isKnown, before, after } = await histories(items, isStale, options)
      const days = (history: DatedSession[]) => practiceDays(history, timeZone, clock.now())
      const today = localDay(clock.now(), timeZone)
      // Kept stats may be those of an earlier day.
      if (isStale && isKnown) return summarise(days(after), today)
      return adjustStats(stats, { before: days(before), after: days(after) }, today)
    },

    async getPracticeDays(range: DayRange, options: CallOptions = {}): Promise<DailyPractice[]> {
      const items = await queued()
      const history = await kept.find(HISTORY)
      const count = (history: DatedSession[]) => dailyPractice(history, timeZone, range)
      try {
        const days = await kept.inTime(service.getPracticeDays(range, options), Boolean(history))
        if (items.length === 0) return days
        const { before, after } = await histories(items, false, options)
        return adjustDays(days, { before: count(before), after: count(after) })
      } catch (error) {
        options.signal?.throwIfAborted()
        if (!history || !isUnreachable(error) || faultOfRange(range)) throw error
        options.onStale?.({ loadedAt: new Date(history.loadedAt), reason: error })
        return count((await histories(items, true, options)).after)
      }
    },

    /** Brings the kept history up to date with what was delivered, in case the network goes before a load. */
    async applyDelivered({ id, remove, session, changes = {} }: QueueItem): Promise<void> {
      await kept.change(async (index, store) => {
        delete index[sessionKey(id)]
        store.delete(sessionKey(id))
        const history = await promised<SessionData[] | undefined>(store.get(HISTORY))
        const entry = index[HISTORY]
        if (!history || !entry) return
        const stored = history.find((known) => known.id === id)
        const others = history.filter((known) => known.id !== id)
        const { audio, ...shown } = listed({ ...(remove ? {} : stored), ...session } as SessionData, changes)
        store.put(shown.id ? newestFirst([...others, shown]) : others, HISTORY)
        index[HISTORY] = { ...entry, etag: undefined }
      })
    },

    forget: kept.forget
  }
}
