import { misconfigured, type ConfigurationFault } from '../errors.ts'

export type Gate = ReturnType<typeof createGate>

/**
 * Stands before every query. While the database is known to be unfit, queries are refused: they would hide
 * the rows of their user or lose what they store.
 */
export function createGate(timeoutMs: number) {
  let fault: ConfigurationFault | undefined
  let firstVerdict: Promise<void> | undefined
  let isJudged = false

  return {
    /**
     * Opens or closes the gate once the verdict is there: a fault closes it. Queries wait for the first
     * verdict. One that rejects changes nothing: the queries themselves will find out.
     */
    judge(verdict: Promise<ConfigurationFault | undefined>): void {
      const judged = verdict.then(
        (found) => {
          fault = found
        },
        () => {}
      )
      if (isJudged) return
      isJudged = true
      firstVerdict = judged.finally(() => {
        firstVerdict = undefined
      })
    },

    /** @throws {ApiError} database_unavailable when the gate is closed */
    async pass<T>(work: () => Promise<T>): Promise<T> {
      if (firstVerdict) {
        const deadline = Date.now() + timeoutMs
        await firstVerdict
        // The caller has its error by now: do not write behind its back.
        if (Date.now() >= deadline) throw new Error('The database was not looked at in time')
      }
      if (fault) throw misconfigured('database_unavailable', fault)
      return work()
    }
  }
}
