import { loadConfig } from '../config.ts'
import { createStorage } from '../storage/storage.ts'

/**
 * `npm run recordings:access`: makes the bucket public or private, as RECORDINGS_ACCESS says.
 * @returns what changed
 */
async function run(): Promise<string> {
  const config = loadConfig(process.env)
  const { bucket, access } = config.storage
  const storage = createStorage(config.storage, config)
  try {
    const wasPublic = await storage.applyAccess()
    if (wasPublic === undefined) return `Created the bucket ${bucket} (${access}).`
    if (wasPublic === (access === 'public')) return `The bucket ${bucket} is already ${access}.`
    return access === 'private'
      ? `The bucket ${bucket} was public and is now private. ` +
          'Browsers and CDNs keep cached copies for another minute.'
      : `The bucket ${bucket} was private and is now public: ` +
          'anyone who knows the URL of a recording can play it.'
  } finally {
    await storage.close()
  }
}

try {
  console.log(await run())
} catch (error) {
  const { message, cause } = error as Error
  console.error(cause instanceof Error ? `${message} (${cause.message})` : message)
  process.exitCode = 2
}
