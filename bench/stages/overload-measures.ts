import type { Answer } from '../load/crowd.ts'
import { median, quantile } from '../measure/statistics.ts'

/** Latencies in milliseconds. `refused` is the number of 429 and 503, `lost` of what else was not accepted. */
export type Summary = {
  perSecond: number
  p50: number
  p99: number
  accepted: number
  refused: number
  lost: number
  refusalP99: number
}

/** One round for one kind of request. `sustainable` is in requests a second. */
export type Overloaded = {
  unloaded: Summary
  sustainable: number
  closed: Summary & { recoveryMs: number }
  open: Summary & { recoveryMs: number }
}

const WINDOW_MS = 500

const isAccepted = ({ status }: Answer) => status >= 200 && status < 300
const isRefused = ({ status }: Answer) => status === 429 || status === 503

/** Accepted requests a second. */
export function goodputOf(answers: Answer[]): number {
  const last = Math.max(...answers.map(({ at }) => at))
  return (answers.filter(isAccepted).length * 1000) / last
}

export function summarise(answers: Answer[]): Summary {
  const accepted = answers.filter(isAccepted).map(({ ms }) => ms)
  const refused = answers.filter(isRefused).map(({ ms }) => ms)
  return {
    perSecond: goodputOf(answers),
    p50: quantile(accepted, 0.5),
    p99: quantile(accepted, 0.99),
    accepted: accepted.length,
    refused: refused.length,
    lost: answers.length - accepted.length - refused.length,
    refusalP99: quantile(refused, 0.99)
  }
}

/**
 * Milliseconds from the beginning of a probe until it is answered as usual: the end of the last half-second with a
 * refusal, or with a median beyond the usual p99.
 */
export function recoveryMs(answers: Answer[], usual: Summary): number {
  const isUnusual = (end: number) => {
    const window = answers.filter(({ at }) => at >= end - WINDOW_MS && at < end)
    return !window.every(isAccepted) || median(window.map(({ ms }) => ms)) > usual.p99
  }
  const count = Math.ceil(Math.max(...answers.map(({ at }) => at)) / WINDOW_MS)
  const ends = Array.from({ length: count }, (_, index) => (index + 1) * WINDOW_MS)
  return ends.findLast(isUnusual) ?? 0
}
