const END_OF_DIRECTORY = 0x06054b50
const ENTRY = 0x02014b50
const STORED = 0
const DEFLATED = 8
const LONGEST_COMMENT = 65_535

export type ZipEntry = { name: string; method: number; encrypted: boolean; size: number; offset: number }

/**
 * The entries of a ZIP archive, from its central directory (APPNOTE.TXT 4.3.12). Archives of more than 4 GB
 * are not read.
 *
 * @throws RangeError when the bytes are not a complete archive
 */
export function zipEntries(bytes: Uint8Array): ZipEntry[] {
  const view = viewOf(bytes)
  const end = findEnd(view)
  const entries: ZipEntry[] = []
  let at = view.getUint32(end + 16, true)
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    if (view.getUint32(at, true) !== ENTRY) throw new RangeError('No ZIP directory')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true)
    ) as [number, number, number]
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      size: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true)
    })
    at += 46 + nameLength + extraLength + commentLength
  }
  return entries
}

/**
 * The content of an entry, at most `maxBytes`.
 *
 * @throws RangeError when it is larger, encrypted or compressed by another method
 * @throws TypeError when the compressed bytes are broken
 */
export async function readZipEntry(
  bytes: Uint8Array<ArrayBuffer>,
  { method, encrypted, size, offset }: ZipEntry,
  maxBytes: number
): Promise<Uint8Array<ArrayBuffer>> {
  if (encrypted || (method !== STORED && method !== DEFLATED)) throw new RangeError('Unsupported ZIP entry')
  const view = viewOf(bytes)
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
  const content = new Blob([bytes.subarray(start, start + size)]).stream()
  return collect(
    method === STORED ? content : content.pipeThrough(new DecompressionStream('deflate-raw')),
    maxBytes
  )
}

/** Stops at the limit, because a small archive can hold gigabytes. */
async function collect(stream: ReadableStream<Uint8Array>, maxBytes: number) {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let total = 0
  const reader = stream.getReader()
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    total += chunk.value.length
    if (total > maxBytes) {
      reader.cancel().catch(() => {})
      throw new RangeError('Too large')
    }
    chunks.push(new Uint8Array(chunk.value))
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}

function findEnd(view: DataView): number {
  const last = view.byteLength - 22
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at
  }
  throw new RangeError('No ZIP archive')
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
