import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of texts whose garbage stays until V8 itself collects it. */
const MAX_GARBAGE_BYTES = 8 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
let garbageBytes = 0

/**
 * Counts the bytes of large texts. Call it before decoding, before parsing and after parsing. Every 8 MB the garbage of
 * the whole heap is collected, in about fifty milliseconds in which nothing else runs. V8 puts off the collection of
 * large strings and buffers. Without this, the bytes, the JSON and the values of a text of 20 MB would be in memory at
 * the same time.
 */
export function collectIfDue(textBytes: number) {
  garbageBytes += textBytes
  if (garbageBytes < MAX_GARBAGE_BYTES) return
  garbageBytes = 0
  collect()
}
