import { runReconciliation } from '../reconcile/command-line.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not once: npm passes on the Ctrl-C that the terminal has sent already.
  process.on(signal, () => {
    if (!stop.signal.aborted) console.error('Stopping after the running step …')
    stop.abort(new Error(`Stopped by ${signal}.`))
  })
}

process.exitCode = await runReconciliation({
  args: process.argv.slice(2),
  env: process.env,
  signal: stop.signal,
  out: console
})
