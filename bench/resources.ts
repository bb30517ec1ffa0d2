import { once } from 'node:events'

type Closable = { close: () => unknown }

/** Hands a resource through, and closes it in the end. */
export type Keep = <T extends Closable>(resource: T) => T

/** Closes what `work` kept, the last first, however it ends; on Ctrl-C, too. */
export async function withResources<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Closable[] = []
  const over = new AbortController()
  const interrupted = once(process, 'SIGINT', { signal: over.signal }).then(() => {
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
    over.abort()
    for (const resource of kept) await resource.close()
  }
}
