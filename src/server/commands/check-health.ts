/**
 * `node dist/server/commands/check-health.js`: asks the server of this machine for its health, with the same
 * environment. Exit code 0 or 1. For the HEALTHCHECK of the image, which has no curl.
 */
const { HOST = '', PORT = '' } = process.env
const host = ['', '0.0.0.0', '::'].includes(HOST) ? '127.0.0.1' : HOST
const origin = `http://${host.includes(':') ? `[${host}]` : host}:${PORT || 3000}`

const isHealthy = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(4000) }).then(
  ({ ok }) => ok,
  () => false
)
process.exit(isHealthy ? 0 : 1)
