import type { Storage } from './storage.ts'
import { keyOf } from './recording-keys.ts'

type Options = { storage: Storage; access: 'public' | 'private'; linkSeconds: number }

export type PlaybackUrls = ReturnType<typeof createPlaybackUrls>

/**
 * Converts the canonical URLs of the table into URLs that play. Those of a public bucket already do. For a
 * private bucket it signs URLs of limited life, all of one response in one call.
 */
export function createPlaybackUrls({ storage, access, linkSeconds }: Options) {
  async function resolve(audioUrls: Array<string | null>): Promise<Array<string | null>> {
    if (access === 'public') return audioUrls
    const keys = audioUrls.filter((url) => url !== null).map(keyOf)
    if (keys.length === 0) return audioUrls
    const signed = await storage.signUrls(keys, linkSeconds)
    // A missing object has no signed URL. Its canonical URL still shows that there was a recording.
    return audioUrls.map((url) => url && (signed.get(keyOf(url)) ?? url))
  }

  return {
    /** Whether the canonical URLs play, so that `resolve` changes nothing. */
    areCanonical: access === 'public',

    /**
     * Part of the entity tag. It changes after half the life of a link, so that the links of a cached answer still
     * play; undefined for URLs that play for ever.
     */
    period: (now: Date): number | undefined =>
      access === 'public' ? undefined : Math.floor(now.getTime() / (linkSeconds * 500)),

    /**
     * @returns one URL for each canonical URL, in the same order; null stays null
     * @throws {ApiError} storage_unavailable
     */
    resolve,

    /** As `resolve`, for one URL. */
    resolveOne: async (audioUrl: string | null): Promise<string | null> =>
      (await resolve([audioUrl]))[0] ?? null
  }
}
