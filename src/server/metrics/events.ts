import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel'
import {
  checkResults,
  storedRecordings,
  cleanUpRounds,
  type CheckResult,
  type StoredRecording
} from '../diagnostics.ts'
import type { CleanedUp } from '../reconcile/clean-up.ts'
import type { Instruments } from './instruments.ts'

/**
 * Counts what is published on the diagnostics channels, apart from durations.
 * @returns functions that unsubscribe
 */
export function countEvents({ counter, gauge }: Instruments): Array<() => void> {
  const checks = gauge('check_ok', '1 while the check finds nothing, and 0 while it finds a fault', ['check'])
  const bytes = counter(
    'recording_bytes_total',
    'Bytes of recordings that the server has sent to the storage'
  )
  const removed = counter('clean_up_removed_total', 'Leftovers that were removed', ['kind'])
  const lastSuccess = gauge(
    'clean_up_last_success_timestamp_seconds',
    'When a round has ended well, or the process began'
  )
  lastSuccess.setToCurrentTime()

  const rounds = {
    asyncEnd({ result, error }: { result?: unknown; error?: unknown }) {
      if (error !== undefined) return
      lastSuccess.setToCurrentTime()
      const { next, ...counts } = result as CleanedUp
      for (const [kind, count] of Object.entries(counts)) removed.inc({ kind }, count)
    }
  } as Parameters<typeof cleanUpRounds.subscribe>[0]
  cleanUpRounds.subscribe(rounds)

  return [
    listen<CheckResult>(checkResults.name, ({ check, code }) => checks.set({ check }, code === 'ok' ? 1 : 0)),
    listen<StoredRecording>(storedRecordings.name, (recording) => bytes.inc(recording.bytes)),
    () => cleanUpRounds.unsubscribe(rounds)
  ]
}

function listen<Message>(channel: string | symbol, tell: (message: Message) => void): () => void {
  const listener = tell as ChannelListener
  subscribe(channel, listener)
  return () => unsubscribe(channel, listener)
}
