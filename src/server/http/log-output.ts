import { destination, type DestinationStream } from 'pino'

/** A block is written when it is full, and what there is ten times a second. */
const [BLOCK_CHARACTERS, INTERVAL_MS] = [8 * 1024, 100]
/** Lines that wait for a reader of the log. Those beyond it are lost. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024

/**
 * Standard output for the log, written in the background. Written at once, each line would cost a tenth of a small
 * request, and a full pipe that nobody reads would stop the server. The rest is written when the process exits; a
 * process that is killed loses a tenth of a second.
 */
export const createLogOutput = (): DestinationStream =>
  destination({
    sync: false,
    minLength: BLOCK_CHARACTERS,
    periodicFlush: INTERVAL_MS,
    maxLength: MAX_WAITING_CHARACTERS
  })
