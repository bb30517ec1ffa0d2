import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/**
 * Collects the garbage of the whole heap, in about fifty milliseconds in which nothing else runs. V8 puts off the
 * collection of large strings and buffers; two large texts one after the other would need twice the memory.
 */
export const collectGarbage = runInNewContext('gc') as () => void
