/** The server and the user's token for a load script. */
export type Target = { url: string; token: string }

/** Requests of the probe per second. */
export const PROBE_RATE = 20
