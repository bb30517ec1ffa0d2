import type { Keep } from '../resources.ts'
import { startScript } from '../processes/script.ts'
import type { ProbeResult } from './probe.ts'
import type { SavesResult } from './saves.ts'
import type { Target } from './target.ts'

export type LoadResult = SavesResult & ProbeResult

/**
 * Concurrent saves of `bytes` bytes each, while a probe requests stats. Saves and probe run in separate
 * processes.
 */
export async function createLoad(keep: Keep, { bytes }: { bytes: number }) {
  const saves = keep(await startScript('load/saves', { bytes }))
  const probe = keep(await startScript('load/probe'))

  /** Sends `count` saves at once and waits for all of them. */
  return async (target: Target, count: number): Promise<LoadResult> => {
    await probe.ask(target)
    const saved = (await saves.ask({ ...target, count })) as SavesResult
    return { ...saved, ...((await probe.ask('end')) as ProbeResult) }
  }
}
