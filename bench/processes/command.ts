import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createProcessMeter } from '../measure/process-meter.ts'
import { bare, root } from './paths.ts'

const LOOK_EVERY_MS = 50

/** Runs a built command to its end. `peakRss` in bytes, as of some 50 ms before the end. */
export async function runCommand(file: string, env: NodeJS.ProcessEnv) {
  const start = performance.now()
  const child = spawn(process.execPath, [file], {
    cwd: root,
    env: bare(env),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const meter = createProcessMeter(child.pid!)
  let peakRss = NaN
  const watch = setInterval(() => {
    peakRss = meter.peakRss() || peakRss
  }, LOOK_EVERY_MS)
  const [stdout, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>
  ])
  clearInterval(watch)
  return { code, stdout, ms: performance.now() - start, peakRss }
}
