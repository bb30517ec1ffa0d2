/** What makes node run a TypeScript file of ours as it is, in whatever directory: `spawn(process.execPath, [...runTypescript, file])`. */
export const runTypescript = [
  '--import',
  new URL('../../scripts/typescript-loader.mjs', import.meta.url).href
]
