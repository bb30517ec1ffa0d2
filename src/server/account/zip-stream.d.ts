/** The part of zip-stream that the export uses. The package has no types of its own. */
declare module 'zip-stream' {
  import type { Readable } from 'node:stream'

  /** A ZIP archive as a stream. Entries are added one after the other. */
  export default class ZipStream {
    constructor(options?: { level?: number })
    entry(
      source: Readable | Buffer,
      data: { name: string; date: Date; store: boolean },
      callback: (error?: Error | null) => void
    ): void
    finish(): void
    destroy(error?: Error): this
    readonly destroyed: boolean
    once(event: 'close', listener: () => void): this
    off(event: 'close', listener: () => void): this
  }
}
