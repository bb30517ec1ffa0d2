import { once } from 'node:events'

type Closable = { close: () => unknown }

/** Registers a resource to be closed at the end, and returns it. */
export type Keep = <T extends Closable>(resource: T) => T

/** Runs `work`, then closes the resources it registered, last first: after success, failure and Ctrl-C. */
export async function withResources<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Closable[] = []
  const ended = new AbortController()
  const interrupted = once(process, 'SIGINT', { signal: ended.signal }).then(() => {
    throw new Error('Interrupted')
  })
  try {
    return await Promise.race([
      interrupted,
      work((resource) => {
        kept.unshift(resource)
        return resource
      })
    ])
  } finally {
    ended.abort()
    for (const resource of kept) await resource.close()
  }
}
