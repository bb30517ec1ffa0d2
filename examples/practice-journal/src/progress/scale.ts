const STEPS = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180]

/** Four lines of a graph of minutes, at round figures; the highest is at or above the maximum. */
export function scaleOf(minutes: number[]): { ticks: number[]; top: number } {
  const maximum = Math.max(...minutes, 1)
  const step = STEPS.find((step) => step * 4 >= maximum) ?? Math.ceil(maximum / 240) * 60
  return { ticks: [0, 1, 2, 3, 4].map((number) => number * step), top: step * 4 }
}
