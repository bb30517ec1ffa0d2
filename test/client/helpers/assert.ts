/** Assertions for Node and for pages. */

export function equal(actual: unknown, expected: unknown, message = 'should be equal'): void {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(sorted(value)))
  if (is !== should) throw new Error(`${message}: got ${is}, expected ${should}`)
}

export async function rejects(promise: Promise<unknown>, expected: Record<string, unknown>): Promise<void> {
  const error = await promise.then(
    () => {
      throw new Error('should have been rejected')
    },
    (reason: unknown) => reason
  )
  const actual = Object.fromEntries(
    Object.keys(expected).map((key) => [key, (error as Record<string, unknown>)[key]])
  )
  equal(actual, expected, `rejected with ${error}`)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)])
  )
}
