/** The quantile `q` (0 to 1) by the nearest-rank method; NaN without values. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? NaN
}

export const median = (values: number[]) => quantile(values, 0.5)
