import { loadConfig } from '../config.ts'
import { createStorage } from '../storage/recordings-bucket.ts'

/** `npm run recordings:access`: makes the bucket what RECORDINGS_ACCESS says, and says what it did. */
async function run(): Promise<string> {
  const config = loadConfig(process.env)
  const { bucket, access } = config.storage
  const storage = createStorage(config.storage, config)
  try {
    const wasPublic = await storage.applyAccess()
    if (wasPublic === undefined) return `Made the bucket ${bucket}, ${access}.`
    if (wasPublic === (access === 'public')) return `The bucket ${bucket} is ${access} already.`
    return access === 'private'
      ? `The bucket ${bucket} was public and is private now. Copies that browsers and networks keep last another minute.`
      : `The bucket ${bucket} was private and is public now: whoever knows the URL of a recording can hear it.`
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
