import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createProcessMeter } from '../measure/process-meter.ts'
import { minimalEnvironment, root } from './paths.ts'

const SAMPLE_INTERVAL_MS = 50

/** Runs a built command and waits for its end. `peakRss` is in bytes; the last 50 ms may be missing. */
export async function runCommand(file: string, env: NodeJS.ProcessEnv) {
  const start = performance.now()
  const child = spawn(process.execPath, [file], {
    cwd: root,
    env: minimalEnvironment(env),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const meter = createProcessMeter(child.pid!)
  let peakRss = NaN
  const watch = setInterval(() => {
    peakRss = meter.peakRss() || peakRss
  }, SAMPLE_INTERVAL_MS)
  const [stdout, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>
  ])
  clearInterval(watch)
  return { code, stdout, ms: performance.now() - start, peakRss }
}
