/** How many inputs an expensive property is tried with: 500 locally, 5,000 in CI. */
export const PROPERTY_RUNS = process.env['CI'] ? 5000 : 500
