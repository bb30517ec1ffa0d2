import type { Redis } from 'ioredis'

type Log = { warn: (details: object, message: string) => void; info: (message: string) => void }

/**
 * Connects to Redis in the background and again after every loss. While there is no connection, commands fail
 * at once. Losing the connection is logged once, and so is its return.
 */
export async function connectRedis(url: string, log: Log): Promise<Redis> {
  const { Redis } = await import('ioredis') // few deployments use it
  const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 })
  let isAway = false
  redis.on('error', ({ code }: { code?: string }) => {
    if (!isAway) log.warn({ code }, 'Redis does not answer: rate limits are counted in memory')
    isAway = true
  })
  redis.on('ready', () => {
    if (isAway) log.info('Redis answers again: rate limits are shared')
    isAway = false
  })
  return redis
}
