/** Where a load script sends its requests, and as whom. */
export type Target = { url: string; token: string }

/** Requests that the probe sends in a second. */
export const PROBE_RATE = 20
