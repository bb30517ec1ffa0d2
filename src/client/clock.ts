import { sleep } from '../contract/retry.ts'

/** The client's source of time. Tests replace it to choose the date and to skip pauses. */
export type Clock = {
  now: () => Date
  /** Rejects with the signal's reason as soon as it is aborted. */
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = { now: () => new Date(), sleep }
