/**
 * Minimum average rate of a body, and of a large answer. A phone with a poor connection passes more than 4 kB a second.
 * It is judged after 20 s, because TCP may be silent for 15 s after a lost packet. Bodies that wait for a place wait
 * for longer (`UPLOAD_WAIT_MS`), so that a slow body ends first.
 */
export const MIN_RATE = { bytesPerSecond: 4 * 1024, afterMs: 20_000 }

/** The rate while others wait for the memory of an answer, or for the place of a large body. */
export const BYTES_PER_SECOND_IF_WAITING = 16 * 1024
