// A multiple of three, so that the parts join to one base64 text, and few enough to be arguments of one call.
const PART_BYTES = 3 * 8192

/** The blob as pieces of one base64 text: a recording of 50 MB would not like to be a single string. */
export async function base64Parts(blob: Blob): Promise<string[]> {
  const parts: string[] = []
  for (let at = 0; at < blob.size; at += PART_BYTES) {
    const bytes = new Uint8Array(await blob.slice(at, at + PART_BYTES).arrayBuffer())
    parts.push(btoa(String.fromCharCode(...bytes)))
  }
  return parts
}

/** The blob as a `data:` URL, which is how the existing app keeps recordings. */
export async function toDataUrl(blob: Blob): Promise<string> {
  return `data:${blob.type || 'audio/webm'};base64,${(await base64Parts(blob)).join('')}`
}

/** The bytes behind a base64 `data:` URL, or undefined for anything else and for an empty one. */
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
