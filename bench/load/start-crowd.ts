import type { Keep } from '../resources.ts'
import { startScript } from '../processes/script.ts'
import type { Answer, CrowdQuestion } from './crowd.ts'

export type Calls = CrowdQuestion['calls']

/** Sends the requests of a crowd and waits for all answers. One crowd at a time. */
export type Crowd = (question: Omit<CrowdQuestion, 'url'>) => Promise<Answer[]>

/** A process of its own, so that its work delays no measurement of another. `scale` multiplies the times. */
export async function startCrowd(keep: Keep, url: string, scale: number): Promise<Crowd> {
  const script = keep(await startScript('load/crowd'))
  return async (question) => (await script.ask({ ...question, url, ms: question.ms * scale })) as Answer[]
}
