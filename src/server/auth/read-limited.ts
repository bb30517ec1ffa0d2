import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/**
 * Reads the text of a response. Rejects as soon as more than `maxBytes` bytes have arrived, and then reads no
 * further.
 */
export async function readLimited(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of Readable.fromWeb(response.body as ReadableStream)) {
    bytes += piece.length
    if (bytes > maxBytes) throw new Error(`the answer of ${response.url} has more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}
