import type { Invocation } from '../reconcile/command-line.ts'

/**
 * Runs a command with the arguments and the environment of the process. SIGINT and SIGTERM stop it at its
 * next step.
 */
export async function runCommand(command: (invocation: Invocation) => Promise<number>): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Ctrl-C arrives twice: from the terminal and from npm.
    process.on(signal, () => {
      if (!stop.signal.aborted) console.error('Stopping after the current step …')
      stop.abort(new Error(`Stopped by ${signal}.`))
    })
  }
  process.exitCode = await command({
    args: process.argv.slice(2),
    env: process.env,
    signal: stop.signal,
    out: console,
    terminal: process.stderr
  })
}
