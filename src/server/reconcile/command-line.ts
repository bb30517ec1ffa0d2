import { isUuid } from '../../contract/uuid.ts'
import { createProgress, type Terminal } from './progress.ts'

/** How a command was called. */
export type Invocation = {
  args: string[]
  env: NodeJS.ProcessEnv
  /** Stops the run before its next step; the reason is printed. */
  signal: AbortSignal
  out: Pick<Console, 'log' | 'error'>
  /** Where to tell the progress. */
  terminal?: Terminal
}

type Report = {
  print: (line: string) => void
  /** The run has come to this user. */
  onUser: (userId: string) => void
}

type Command<Options> = {
  usage: string
  /** What the run checks, such as `users`. */
  subject: string
  readArguments: (args: string[]) => Options
  /** @returns the last line to print, and whether nothing needs attention */
  run: (options: Options, report: Report) => Promise<{ summary: string; isClean: boolean }>
}

/**
 * Runs a command that goes through all users in the order of their ids. It tells its progress; if it fails or is
 * stopped, it prints how to continue.
 * @returns the exit code: 1 when something needs attention, 2 after a failure
 */
export async function runCommandLine<Options extends { help: boolean; from: string | undefined }>(
  { args, out, terminal }: Pick<Invocation, 'args' | 'out' | 'terminal'>,
  { usage, subject, readArguments, run }: Command<Options>
): Promise<0 | 1 | 2> {
  let from: string | undefined
  try {
    const options = readArguments(args)
    if (options.help) {
      out.log(usage)
      return 0
    }
    from = options.from
    const progress = createProgress({ terminal, from })
    const onUser = (userId: string) => {
      from = userId
      progress.at(userId)
    }
    const print = (line: string) => {
      progress.clear()
      out.log(line)
    }
    const { summary, isClean } = await run(options, { print, onUser }).finally(progress.clear)
    out.log(summary)
    return isClean ? 0 : 1
  } catch (error) {
    out.error(describe(error as Error))
    if (from) out.error(`Not all ${subject} were checked. To continue from here, add --from ${from}`)
    return 2
  }
}

/** The value of `--from`: the id of a user. @throws if it is none */
export function readFrom(value: string | undefined, usage: string): string | undefined {
  const from = value?.toLowerCase()
  if (from !== undefined && !isUuid(from)) throw new Error(`--from must be the id of a user\n\n${usage}`)
  return from
}

const describe = ({ message, cause }: Error) =>
  cause instanceof Error ? `${message} (${cause.message})` : message
