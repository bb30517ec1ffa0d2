import type { Keep } from '../resources.ts'
import { startScript, type Script } from '../processes/script.ts'
import type { Answer, CrowdQuestion } from './crowd.ts'

export type Calls = CrowdQuestion['calls']

/** Sends the requests of a crowd and waits for all answers. One crowd at a time. */
export type Crowd = (question: Omit<CrowdQuestion, 'url'>) => Promise<Answer[]>

/** A process of its own, so that its work delays no measurement of another. `scale` multiplies the times. */
export const startCrowd = async (keep: Keep, url: string, scale: number): Promise<Crowd> =>
  aim(keep(await startScript('load/crowd')), url, scale)

/** Lets a script send its requests to the server at `url`. `scale` multiplies the times. */
export const aim =
  <Question extends { ms: number }, Result>(script: Script, url: string, scale: number) =>
  async (question: Question) =>
    (await script.ask({ ...question, url, ms: question.ms * scale })) as Result
