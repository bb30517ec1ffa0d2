import type { Storage } from './recordings-bucket.ts'
import { keyOf } from './recording-keys.ts'

type Options = { storage: Storage; access: 'public' | 'private'; linkSeconds: number }

export type Links = ReturnType<typeof createLinks>

/**
 * Turns the canonical URLs of the table into URLs that play. Those of a public bucket do; for a private one links of
 * limited life are made, all that an answer needs in one call.
 */
export function createLinks({ storage, access, linkSeconds }: Options) {
  return {
    /**
     * @returns what to send for each canonical URL, in their order; null stays null
     * @throws {ApiError} storage_unavailable
     */
    async resolve(audioUrls: Array<string | null>): Promise<Array<string | null>> {
      if (access === 'public') return audioUrls
      const keys = audioUrls.filter((url) => url !== null).map(keyOf)
      if (keys.length === 0) return audioUrls
      const links = await storage.signUrls(keys, linkSeconds)
      // An object that is gone has no link; its URL leads nowhere either way, and says that there was one.
      return audioUrls.map((url) => url && (links.get(keyOf(url)) ?? url))
    }
  }
}
