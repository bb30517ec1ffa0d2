import { setTimeout as sleep } from 'node:timers/promises'
import { destination } from 'pino'

/** A block is written when it is full, or after 100 ms. */
const [BLOCK_CHARACTERS, INTERVAL_MS] = [8 * 1024, 100]
/** At most this many characters wait to be written. Further lines are lost. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024
/** Time for the last lines when the process ends. */
const END_MS = 1000

/**
 * Standard output for the log, in blocks. Pino's default writes each line by itself, which takes a tenth of a small
 * request's CPU, and keeps what nobody reads in memory without a limit. A process that is killed loses the lines of
 * its last 100 ms.
 */
export function createLogOutput() {
  const output = destination({
    sync: false,
    minLength: BLOCK_CHARACTERS,
    periodicFlush: INTERVAL_MS,
    maxLength: MAX_WAITING_CHARACTERS
  })
  output.on('error', () => {}) // a full disk must not end the server
  let hasEnded = false

  return {
    write(line: string): void {
      if (!hasEnded) output.write(line)
    },

    /**
     * Writes what is left, for a second at most: the reader may be gone. Later lines are lost. Without this, pino
     * would try at the exit of the process without end.
     */
    async end(): Promise<void> {
      const written = new Promise<void>((resolve) => output.flush(() => resolve()))
      await Promise.race([written, sleep(END_MS, undefined, { ref: false })])
      hasEnded = true
      output.destroy()
    }
  }
}
