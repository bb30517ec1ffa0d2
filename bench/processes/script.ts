import { fork } from 'node:child_process'
import { once } from 'node:events'
import { runTypescript } from '../../scripts/run-typescript.ts'
import { root } from './paths.ts'

export type Script = Awaited<ReturnType<typeof startScript>>

/**
 * Runs `bench/{name}.ts`, which calls `answerParent`, in its own process, so that its work delays no other
 * measurement.
 */
export async function startScript(name: string, argument: unknown = null) {
  const child = fork(`bench/${name}.ts`, [JSON.stringify(argument)], { cwd: root, execArgv: runTypescript })
  const exited = once(child, 'exit')
  const receive = async () => {
    const ended = exited.then(() => {
      throw new Error(`bench/${name}.ts ended too early`)
    })
    const [message] = await Promise.race([once(child, 'message'), ended])
    return message
  }
  return {
    /** The script's first message. */
    ready: await receive(),

    /** Sends a question and waits for the answer. One at a time. */
    async ask(question: unknown) {
      child.send(question as string)
      return receive()
    },

    async close() {
      child.kill()
      await exited
    }
  }
}

/** In a script: the argument of `startScript`. */
export const argument = () => JSON.parse(process.argv[2] ?? 'null')

/** In a script: sends `ready` to the parent, answers its questions, and exits when the parent disconnects. */
export function answerParent(ready: unknown, answer: (question: unknown) => unknown = () => null) {
  process.once('disconnect', () => process.exit())
  process.on('message', async (question) => {
    process.send!(await answer(question))
  })
  process.send!(ready)
}
