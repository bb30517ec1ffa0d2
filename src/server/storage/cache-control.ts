/**
 * How long players and CDNs may cache a recording, in seconds. After a deletion, the last copies disappear
 * within this time.
 */
export const CACHE_SECONDS = 60

/** The Cache-Control of every recording. */
export const CACHE_CONTROL = `max-age=${CACHE_SECONDS}`

/** Whether copies disappear within `CACHE_SECONDS`. No other directive may stand beside: s-maxage would keep copies. */
export function isShortLived(cacheControl: string): boolean {
  const [, seconds] = /^max-age=(\d+)$/.exec(cacheControl) ?? []
  return seconds === undefined ? /^no-(cache|store)$/.test(cacheControl) : Number(seconds) <= CACHE_SECONDS
}
