import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createLogOutput } from './http/log-output.ts'
import { serveMetrics } from './metrics/serve.ts'

const CLOSING = 'closing: waiting for the balancer and the running requests'

const logOutput = createLogOutput()
try {
  const config = loadConfig(process.env)
  const { drainDelayMs, shutdownTimeoutMs } = config
  const running: { app?: Awaited<ReturnType<typeof buildApp>> } = {}
  // Before the app is built: the kernel sends the first process of a container only signals that it handles.
  closeWithGrace({ delay: drainDelayMs + shutdownTimeoutMs }, async ({ err, signal }) => {
    const { app } = running
    try {
      if (err && !app) console.error(err)
      else if (err) app?.log.fatal({ err }, 'closing after an unexpected error')
      else app?.log.info({ signal, drainDelayMs }, CLOSING)
      if (signal === 'SIGTERM') await app?.drain(drainDelayMs)
      await app?.close()
    } finally {
      await logOutput.end()
    }
  })
  const app = await buildApp(config, { logOutput })
  running.app = app
  if (config.metrics) await serveMetrics(app, config.metrics)
  await app.listen({ host: config.host, port: config.port })
} catch (error) {
  console.error((error as Error).message)
  await logOutput.end()
  process.exit(1)
}
