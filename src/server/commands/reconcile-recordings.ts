import { runReconciliation } from './reconciliation.ts'

const stop = new AbortController()
// Not once: npm passes on the Ctrl-C that the terminal has sent already.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error(`Stopped by ${signal}.`)))

process.exitCode = await runReconciliation({ args: process.argv.slice(2), env: process.env, signal: stop.signal, out: console })
