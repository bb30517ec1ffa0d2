import { fileURLToPath } from 'node:url'
import { defineConfig } from 'prisma/config'

// The CLI downloads its schema engine before any command, and fails where it cannot; yet generate, validate, format
// and Studio never run it. Any existing file satisfies the look-up. `migrate` keeps the real engine.
if (!process.argv.includes('migrate')) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= fileURLToPath(import.meta.url)
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(process.env['DATABASE_URL'] && { datasource: { url: process.env['DATABASE_URL'] } })
})
