import type { CurrentSession } from '@harmony-helper/client/zustand'
import type { TimerState } from '../practice/timer.ts'

/** A session that is not saved yet, with the timer that measures it. */
export type Draft = { session: CurrentSession; timer: TimerState }

/**
 * Drafts of unsaved sessions, written to disk every second, so that no reload, crash or expired sign-in loses
 * a recording. They are in the Cache API, which stores blobs directly: one cache per draft, and a lock on
 * each, so that a second tab restores only drafts that no other tab is using.
 */
export function createDrafts(account: string) {
  const prefix = `practice-draft:${account}:`
  let release = () => {}

  /** Holds the draft's lock until the page closes or `remove` is called. */
  const hold = () =>
    new Promise<void>((resolve) => {
      release = resolve
    })

  async function read(name: string): Promise<Draft | undefined> {
    if (!(await caches.has(name))) return
    const cache = await caches.open(name)
    const draft = (await (await cache.match('/draft'))?.json()) as Draft | undefined
    const parts = (await cache.keys('/', { ignoreSearch: true })).map(({ url }) => url).sort(byPart)
    const chunks = await Promise.all(parts.map(async (url) => (await cache.match(url))!.blob()))
    const audio = chunks[0] && new Blob(chunks, { type: chunks[0].type })
    return draft && { ...draft, session: { ...draft.session, ...(audio && { audio }) } }
  }

  return {
    /** Saves everything but the recording. Locks a new draft. */
    async save({ session: { audio, ...session }, timer }: Draft, isNew: boolean) {
      const name = prefix + session.id
      if (isNew) {
        release()
        navigator.locks.request(name, hold)
      }
      await (await caches.open(name)).put('/draft', new Response(JSON.stringify({ session, timer })))
    },

    /** Appends a chunk of the recording; `part` 0 is the first. */
    async append(id: string, part: number, chunk: Blob) {
      await (await caches.open(prefix + id)).put(`/?part=${part}`, new Response(chunk))
    },

    async dropRecording(id: string) {
      const cache = await caches.open(prefix + id)
      for (const request of await cache.keys('/', { ignoreSearch: true })) await cache.delete(request)
    },

    async remove(id: string) {
      await caches.delete(prefix + id)
      release()
    },

    /** Removes all drafts, also those that other tabs use. */
    async forget() {
      const names = (await caches.keys()).filter((name) => name.startsWith(prefix))
      await Promise.all(names.map((name) => caches.delete(name)))
    },

    /**
     * Passes drafts of earlier pages to `adopt`, once no other tab uses them. `adopt` returns whether it
     * takes the draft.
     */
    async restore(adopt: (draft: Draft) => boolean) {
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

function byPart(a: string, b: string): number {
  return part(a) - part(b)
}

function part(url: string): number {
  return Number(new URL(url).searchParams.get('part'))
}
