/**
 * The options with which Node.js runs a TypeScript file of this repository from any directory:
 * `spawn(process.execPath, [...runTypescript, file])`.
 */
export const runTypescript = ['--import', new URL('./typescript-loader.mjs', import.meta.url).href]
