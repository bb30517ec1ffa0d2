import type { Keep } from '../resources.ts'
import { startScript } from '../processes/script.ts'
import type { ProbeResult } from './probe.ts'
import type { SavesResult } from './saves.ts'
import type { Target } from './target.ts'

export type LoadResult = SavesResult & ProbeResult

/** Saves of recordings of `bytes` bytes, with somebody else asking for their stats meanwhile; each in a process of its own. */
export async function createLoad(keep: Keep, { bytes }: { bytes: number }) {
  const saves = keep(await startScript('load/saves', { bytes }))
  const probe = keep(await startScript('load/probe'))

  /** `count` saves at a time, once. */
  return async (target: Target, count: number): Promise<LoadResult> => {
    await probe.ask(target)
    const saved = (await saves.ask({ ...target, count })) as SavesResult
    return { ...saved, ...((await probe.ask('end')) as ProbeResult) }
  }
}
