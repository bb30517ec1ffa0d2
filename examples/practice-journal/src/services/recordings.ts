/** The most that recordings take in this browser, in bytes for each account. */
const MAX_BYTES = 200_000_000

const INDEX = '/index'
type Index = Record<string, { bytes: number; usedAt: number }>

/**
 * Recordings that were played or made in this browser, kept to be played without a network. In the Cache API,
 * which stores blobs directly. What was played least recently goes first. A failure is harmless: the recording
 * is then played from the account.
 */
export function createRecordings(account: string) {
  const name = `practice-recordings:${account}`
  const path = (id: string) => `/recording/${id}`
  let isForgotten = false

  /** Changes the index, one tab at a time. */
  async function change(work: (index: Index, cache: Cache) => Promise<unknown>) {
    await navigator.locks.request(name, async () => {
      if (isForgotten) return
      const cache = await caches.open(name)
      const index: Index = (await (await cache.match(INDEX))?.json()) ?? {}
      await work(index, cache)
      await cache.put(INDEX, new Response(JSON.stringify(index)))
    })
  }

  async function find(id: string): Promise<Blob | undefined> {
    const found = await caches.match(path(id), { cacheName: name })
    if (!found) return undefined
    change(async (index) => {
      if (index[id]) index[id].usedAt = Date.now()
    }).catch(warn)
    return found.blob()
  }

  const keep = (id: string, recording: Blob) =>
    change(async (index, cache) => {
      if (recording.size > MAX_BYTES) return
      index[id] = { bytes: recording.size, usedAt: Date.now() }
      for (const old of leastUsed(index)) {
        delete index[old]
        await cache.delete(path(old))
      }
      await cache.put(path(id), new Response(recording))
    }).catch(warn)

  return {
    find: (id: string) => find(id).catch(() => undefined),
    keep,

    /** Downloads and keeps a recording that plays from its URL, unless the user wants to save data. */
    async keepFrom(id: string, url: string) {
      if (savesData() || (await find(id).catch(() => undefined))) return
      const response = await fetch(url).catch(() => undefined)
      const bytes = Number(response?.headers.get('content-length'))
      if (response?.status === 200 && bytes <= MAX_BYTES) await keep(id, await response.blob()).catch(warn)
      else response?.body?.cancel().catch(() => {})
    },

    remove: (id: string) =>
      change(async (index, cache) => {
        delete index[id]
        await cache.delete(path(id))
      }).catch(warn),

    /** Removes all recordings, and keeps none from now on. */
    async forget() {
      isForgotten = true
      await caches.delete(name)
    }
  }
}

/** The recordings to remove, so that the rest is within the limit. */
function leastUsed(index: Index): string[] {
  let bytes = 0
  return Object.entries(index)
    .sort(([, a], [, b]) => b.usedAt - a.usedAt)
    .filter(([, entry]) => (bytes += entry.bytes) > MAX_BYTES)
    .map(([id]) => id)
}

function savesData(): boolean {
  return (navigator as Navigator & { connection?: { saveData?: boolean } }).connection?.saveData === true
}

function warn(error: unknown) {
  console.warn('The recording was not kept in this browser:', error)
}
