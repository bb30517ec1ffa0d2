import type { TracingChannel } from 'node:diagnostics_channel'
import {
  databaseCalls,
  keySetReads,
  leaseAcquisitions,
  nameOf,
  storageCalls,
  cleanUpRounds
} from '../diagnostics.ts'
import { ApiError } from '../errors.ts'
import { operationOf } from '../storage/operations.ts'
import type { Instruments } from './instruments.ts'

type Call = { startedAt?: number; result?: unknown; error?: unknown }
type Labels = Record<string, string>

const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10]
const SLOW = [0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 120]

/**
 * Measures the calls that are published on the diagnostics channels.
 * @returns functions that unsubscribe
 */
export function countCalls({ histogram }: Instruments): Array<() => void> {
  /** The duration of the calls of a channel, by `labels` and outcome. */
  function measure<C extends Call>(
    channel: TracingChannel<unknown, C>,
    [name, help, buckets]: [string, string, number[]],
    labelsOf: (call: C) => Labels = () => ({})
  ) {
    const labels = Object.keys(labelsOf({ call: '', method: '', path: '' } as unknown as C))
    const duration = histogram(`${name}_duration_seconds`, help, { labels: [...labels, 'outcome'], buckets })
    const subscriber = {
      start(call: C) {
        call.startedAt = performance.now()
      },
      asyncEnd(call: C) {
        if (call.startedAt === undefined) return // it began before this subscription
        duration.observe(
          { ...labelsOf(call), outcome: outcomeOf(call) },
          (performance.now() - call.startedAt) / 1000
        )
      }
    } as Parameters<typeof channel.subscribe>[0]
    channel.subscribe(subscriber)
    return () => channel.unsubscribe(subscriber)
  }

  return [
    measure(databaseCalls, ['database_call', 'Statements, queries and transactions', QUICK], (call) => ({
      call: nameOf(call)
    })),
    measure(storageCalls, ['storage_call', 'Requests to the object storage', SLOW], (call) => ({
      operation: operationOf(call)
    })),
    measure(keySetReads, ['key_set_read', "Reads of the issuer's signing keys", SLOW]),
    measure(leaseAcquisitions, ['lease_acquisition', 'Acquisitions of a lease, with the wait for it', SLOW]),
    measure(cleanUpRounds, ['clean_up', 'Rounds of removing leftovers', SLOW])
  ]
}

/** `refused`: the call has an answer, and it is an error of its request. */
function outcomeOf({ result, error }: Call): 'ok' | 'refused' | 'failed' {
  if (error !== undefined) return error instanceof ApiError && error.statusCode < 500 ? 'refused' : 'failed'
  const status = result instanceof Response ? result.status : 200
  if (status < 400) return 'ok'
  return status < 500 ? 'refused' : 'failed'
}
