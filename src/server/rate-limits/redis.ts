import type { Redis } from 'ioredis'

type Log = { warn: (details: object, message: string) => void; info: (message: string) => void }

const COMMAND_TIMEOUT_MS = 500

/**
 * Connects to Redis in the background and again after every loss. While there is no connection, commands fail at once.
 * A connection on which nothing is answered is closed: its commands would wait, and stay in memory. Losing the
 * connection is logged once, and so is its return.
 */
export async function connectRedis(url: string, log: Log): Promise<Redis> {
  const { Redis } = await import('ioredis') // few deployments use it
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: 2 * COMMAND_TIMEOUT_MS
  })
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
