const isCI = Boolean(process.env['CI'])

/** How many inputs the property of a pure function is tried with: 500 locally, 5,000 in CI. */
export const PROPERTY_RUNS = isCI ? 5000 : 500

/** How many inputs a slower property is tried with: `full` in CI, a fifth of that locally. */
export const runsOf = (full: number): number => (isCI ? full : Math.ceil(full / 5))
