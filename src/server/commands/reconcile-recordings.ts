import { runReconciliation } from '../reconcile/command-line.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Ctrl-C arrives twice: from the terminal and from npm.
  process.on(signal, () => {
    if (!stop.signal.aborted) console.error('Stopping after the current step …')
    stop.abort(new Error(`Stopped by ${signal}.`))
  })
}

process.exitCode = await runReconciliation({
  args: process.argv.slice(2),
  env: process.env,
  signal: stop.signal,
  out: console
})
