import type { CurrentSession } from 'harmony-helper/client/zustand'

/**
 * The session being practised, kept on disk second by second until it is saved: neither a reload nor a crash nor
 * the end of a sign-in costs a recording. In the Cache API, which takes blobs as they are; one cache a draft, and a
 * lock on it, so that a second tab takes over only what nobody else is working on.
 */
export function createDrafts(account: string) {
  const prefix = `practice-draft:${account}:`
  let release = () => {}

  /** Claims the draft for as long as this page lives or until `forget`. */
  const hold = () =>
    new Promise<void>((resolve) => {
      release = resolve
    })

  async function read(name: string): Promise<CurrentSession | undefined> {
    if (!(await caches.has(name))) return
    const cache = await caches.open(name)
    const session = (await (await cache.match('/session'))?.json()) as CurrentSession | undefined
    const parts = (await cache.keys('/', { ignoreSearch: true })).map(({ url }) => url).sort(byNumber)
    const chunks = await Promise.all(parts.map(async (url) => (await cache.match(url))!.blob()))
    return session && { ...session, ...(chunks[0] && { audio: new Blob(chunks, { type: chunks[0].type }) }) }
  }

  return {
    /** Keeps everything but the recording; for a draft that is not known yet, claims it. */
    async keep({ audio, ...session }: CurrentSession, isNew: boolean) {
      const name = prefix + session.id
      if (isNew) {
        release()
        navigator.locks.request(name, hold)
      }
      await (await caches.open(name)).put('/session', Response.json(session))
    },

    /** Adds a piece of the recording; `part` 0 begins it. */
    async append(id: string, part: number, chunk: Blob) {
      await (await caches.open(prefix + id)).put(`/?part=${part}`, new Response(chunk))
    },

    async dropRecording(id: string) {
      const cache = await caches.open(prefix + id)
      for (const request of await cache.keys('/', { ignoreSearch: true })) await cache.delete(request)
    },

    async forget(id: string) {
      await caches.delete(prefix + id)
      release()
    },

    /** Offers what an earlier page left behind, as soon as no other tab is working on it; `adopt` says whether it takes it. */
    async restore(adopt: (draft: CurrentSession) => boolean) {
      for (const name of (await caches.keys()).filter((name) => name.startsWith(prefix))) {
        navigator.locks.request(name, async () => {
          const draft = await read(name)
          if (draft && adopt(draft)) await hold()
        })
      }
    }
  }
}

export type Drafts = ReturnType<typeof createDrafts>

function byNumber(a: string, b: string): number {
  return part(a) - part(b)
}

function part(url: string): number {
  return Number(new URL(url).searchParams.get('part'))
}
