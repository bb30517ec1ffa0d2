import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './paths.ts'

/** Where `buildFloor` writes. */
export const floorFile = join(root, 'node_modules/.cache/bench/floor-server.mjs')

/** Builds the hand-written server to plain JavaScript, so that no loader counts in its start and its memory. */
export async function buildFloor(): Promise<void> {
  await build({
    entryPoints: [join(root, 'bench/floor-server.ts')],
    outfile: floorFile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning'
  })
}
