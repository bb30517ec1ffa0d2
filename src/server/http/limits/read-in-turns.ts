import type { Release } from './fair-limiter.ts'

/**
 * Holds a place while the next piece is read, and none while the consumer works with it: an answer in pieces lasts as
 * long as its client takes, and reads from the database in between.
 * @throws the errors of `pieces` and of `acquire`
 */
export async function* readInTurns<T>(
  pieces: AsyncGenerator<T>,
  acquire: () => Promise<Release>
): AsyncGenerator<T> {
  try {
    for (;;) {
      const release = await acquire()
      const next = await pieces.next().finally(release)
      if (next.done) return
      yield next.value
    }
  } finally {
    await pieces.return(undefined)
  }
}
