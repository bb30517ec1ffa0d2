import { misconfigured, type ConfigurationFault } from '../errors.ts'

export type Gate = ReturnType<typeof createGate>

/**
 * Refuses queries while the last check found the database unfit: they would hide the rows of their user or lose
 * what they store.
 */
export function createGate(timeoutMs: number) {
  let fault: ConfigurationFault | undefined
  let firstResult: Promise<void> | undefined
  let hasResult = false

  return {
    /**
     * Takes the result of a check: a fault refuses the queries that follow. Queries wait for the first result. A
     * check that rejects changes nothing: the queries themselves will find out.
     */
    setResult(result: Promise<ConfigurationFault | undefined>): void {
      const done = result.then(
        (found) => {
          fault = found
        },
        () => {}
      )
      if (hasResult) return
      hasResult = true
      firstResult = done.finally(() => {
        firstResult = undefined
      })
    },

    /** @throws {ApiError} database_unavailable when the gate is closed */
    async pass<T>(work: () => Promise<T>): Promise<T> {
      if (firstResult) {
        const deadline = Date.now() + timeoutMs
        await firstResult
        // The caller has its error by now, so nothing may be written.
        if (Date.now() >= deadline) throw new Error('The first check of the database did not finish in time')
      }
      if (fault) throw misconfigured('database_unavailable', fault)
      return work()
    }
  }
}
