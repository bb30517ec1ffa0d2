import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { loadConfig } from './config.ts'
import { serveMetrics } from './metrics/serve.ts'

try {
  const config = loadConfig(process.env)
  const app = await buildApp(config)
  const { drainDelayMs, shutdownTimeoutMs } = config
  closeWithGrace({ delay: drainDelayMs + shutdownTimeoutMs }, async ({ err, signal }) => {
    if (err) app.log.fatal({ err }, 'closing after an unexpected error')
    else app.log.info({ signal, drainDelayMs }, 'closing: waiting for the balancer and the running requests')
    if (signal === 'SIGTERM') await app.drain(drainDelayMs)
    await app.close()
  })
  if (config.metrics) await serveMetrics(app, config.metrics)
  await app.listen({ host: config.host, port: config.port })
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
