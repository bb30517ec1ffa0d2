import { MAX_SCORE_BYTES, formatLimit } from '../shared/limits.ts'
import { decodeXml } from './decode-xml.ts'
import { readZipEntry, zipEntries } from './unzip.ts'

const CONTAINER = 'META-INF/container.xml'

/**
 * The XML in a score file: MusicXML in any encoding that the browser knows, or compressed MusicXML (.mxl).
 *
 * @throws Error with a message for the user
 */
export async function readScoreFile(file: File): Promise<string> {
  if (file.size > MAX_SCORE_BYTES) throw tooLarge(file.name)
  const bytes = new Uint8Array(await file.arrayBuffer())
  const isCompressed = bytes[0] === 0x50 && bytes[1] === 0x4b // "PK"
  const xml = decode(isCompressed ? await uncompress(bytes, file.name) : bytes, file.name)
  if (new Blob([xml]).size > MAX_SCORE_BYTES) throw tooLarge(file.name)
  return xml
}

async function uncompress(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!canUncompress()) {
    throw new Error(
      `This browser cannot open compressed scores. Export ${name} as uncompressed MusicXML (.musicxml).`
    )
  }
  try {
    const entries = zipEntries(bytes)
    const container = entries.find((entry) => entry.name === CONTAINER)
    const path = container && rootFile(decodeXml(await readZipEntry(bytes, container, MAX_SCORE_BYTES)))
    const score = entries.find((entry) => entry.name === path) ?? entries.find(isXml)
    if (score) return await readZipEntry(bytes, score, MAX_SCORE_BYTES)
  } catch (error) {
    if (error instanceof RangeError && error.message === 'Too large') throw tooLarge(name)
  }
  throw new Error(`${name} is damaged or not a compressed score. Export it again.`)
}

function canUncompress(): boolean {
  try {
    return Boolean(new DecompressionStream('deflate-raw'))
  } catch {
    return false
  }
}

/** The path of the score in the archive, from its container.xml. */
function rootFile(container: string): string | undefined {
  return /<rootfile\s[^>]*?full-path\s*=\s*["']([^"']+)["']/.exec(container)?.[1]
}

function isXml({ name }: { name: string }): boolean {
  return /\.(musicxml|xml)$/i.test(name) && !name.startsWith('META-INF/')
}

function decode(bytes: Uint8Array<ArrayBuffer>, name: string): string {
  try {
    return decodeXml(bytes)
  } catch {
    throw new Error(
      `The text of ${name} cannot be read in the encoding that the file declares. Export it again in UTF-8.`
    )
  }
}

function tooLarge(name: string): Error {
  return new Error(`${name} is too large. A score can have at most ${formatLimit(MAX_SCORE_BYTES)}.`)
}
