import { readBlob } from './read-blob.ts'

const PART_BYTES = 1024 * 1024

/** Whether two blobs have the same bytes. Compares 1 MB at a time. */
export async function isSameBlob(one: Blob, other: Blob): Promise<boolean> {
  if (one.size !== other.size) return false
  for (let start = 0; start < one.size; start += PART_BYTES) {
    const [a = [], b = []] = await Promise.all(
      [one, other].map(async (blob) => new Uint8Array(await readBlob(blob.slice(start, start + PART_BYTES))))
    )
    if (a.some((byte, index) => byte !== b[index])) return false
  }
  return true
}
