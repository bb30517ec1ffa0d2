/** What one upload needs to receive, and then to send, as fast as it goes. */
export const BLOCK_BYTES = 768 * 1024

export type Blocks = ReturnType<typeof createBlocks>

/**
 * Memory that one upload leaves to the next. As garbage, each block would live until the garbage collector marks the
 * whole heap, and a few of them make it do so: under load that was a tenth of all work.
 */
export function createBlocks({
  keep
}: {
  /** Blocks at most that wait for somebody who needs them. */ keep: number
}) {
  const free: Buffer[] = []

  return {
    /** A block of `BLOCK_BYTES`; what is in it is nobody's business. */
    take: (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES),

    /** Only when nobody will ever read or write it again who has it now. */
    giveBack(block: Buffer) {
      if (free.length < keep) free.push(block)
    }
  }
}
