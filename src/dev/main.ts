import closeWithGrace from 'close-with-grace'
import { findObstacle } from './running-stack.ts'
import { dataDir, ports, usesMockStorage } from './settings.ts'

// Checked before the stack is loaded, because loading takes a second.
const obstacle = await findObstacle({ dataDir, ports })
if (obstacle !== undefined) {
  console.error(obstacle)
  process.exit(1)
}
console.log('Starting Harmony Helper')

const { startStack, stopStack } = await import('./stack.ts')
const { writeFirstSession } = await import('./first-session.ts')
const { welcome } = await import('./welcome.ts')

closeWithGrace({ delay: 10_000 }, async ({ err }) => {
  if (err) console.error(err)
  await stopStack()
})

try {
  const urls = await startStack()
  console.log(welcome({ urls, dataDir, usesMockStorage, firstSession: await writeFirstSession(dataDir) }))
} catch (error) {
  console.error((error as Error).message)
  await stopStack()
  process.exit(1)
}
