import { readBlob } from './read-blob.ts'

// A multiple of three, so that the parts concatenate to one base64 text without padding in the middle. Small
// enough to pass a part's bytes as the arguments of one call.
const PART_BYTES = 3 * 8192

/**
 * Encodes a blob as consecutive parts of one base64 text, because a 50 MB recording is too large for one
 * string.
 */
export async function base64Parts(blob: Blob): Promise<string[]> {
  const parts: string[] = []
  for (let start = 0; start < blob.size; start += PART_BYTES) {
    const bytes = new Uint8Array(await readBlob(blob.slice(start, start + PART_BYTES)))
    parts.push(btoa(String.fromCharCode(...bytes)))
  }
  return parts
}

/** Encodes a blob as a `data:` URL, the form in which the existing app stores recordings. */
export async function toDataUrl(blob: Blob): Promise<string> {
  return `data:${blob.type || 'audio/webm'};base64,${(await base64Parts(blob)).join('')}`
}

/** Decodes a base64 `data:` URL. Returns undefined for an empty or invalid one, and for any other URL. */
export function fromDataUrl(url: string): Blob | undefined {
  const [, type, base64] = /^data:(.*?);base64,(.+)$/s.exec(url) ?? []
  if (!base64) return undefined
  try {
    return new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], {
      type: type ?? ''
    })
  } catch {
    return undefined
  }
}
