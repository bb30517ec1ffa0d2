/**
 * Recordings and scores for tests: small ones are committed, large ones are generated here in memory. ffmpeg
 * is not needed.
 */
import { readFile } from 'node:fs/promises'

/** Reads a file of test/fixtures; the README there describes each. */
export function fixture(name: string): Promise<Buffer> {
  return readFile(new URL(`../fixtures/${name}`, import.meta.url))
}

/**
 * Makes a valid WebM/Opus recording that repeats recording.webm for `minutes`; 30 minutes are about 10 MB.
 * With `bytesPerSecond`, void elements pad it to the size of a higher bit rate.
 */
export async function longRecording({ minutes = 30, bytesPerSecond = 0 } = {}): Promise<Buffer> {
  const { header, tracks, packets } = dissect(await fixture('recording.webm'))
  const info = element(ID.info, [
    element(ID.timestampScale, [uint(1_000_000)]),
    element(ID.duration, [float(minutes * 60_000)]),
    element(ID.muxingApp, [Buffer.from('test')]),
    element(ID.writingApp, [Buffer.from('test')])
  ])
  const clusters = Array.from({ length: Math.round(minutes * 60) }, (_, second) =>
    padTo(bytesPerSecond, cluster(second, packets))
  )
  return Buffer.concat([header, element(ID.segment, [info, tracks, ...clusters])])
}

/**
 * Makes a well-formed MusicXML score of exactly `bytes` bytes in UTF-8, at least 1,000: as many measures as
 * fit, padded with white space. Its title has characters of one to four bytes.
 */
export function largeScore(bytes: number): string {
  if (bytes < 1000) throw new RangeError('A score needs at least 1,000 bytes')
  const measures = []
  let room = bytes - Buffer.byteLength(SCORE_START + SCORE_END)
  for (let number = 1; ; number++) {
    const next = measure(number)
    if (next.length > room) break
    measures.push(next)
    room -= next.length // measures are ASCII
  }
  return SCORE_START + measures.join('') + ' '.repeat(room) + SCORE_END
}

/** EBML element ids with their length markers: https://www.rfc-editor.org/rfc/rfc9559 */
const ID = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  void: 0xec
}
const VOID_HEAD_BYTES = 5

const PACKET_MS = 20
const PACKETS_PER_SECOND = 1000 / PACKET_MS

type Dissected = {
  header: Buffer
  tracks: Buffer
  /** Opus packets of 20 ms each, without their block headers. */
  packets: Buffer[]
}

// Descends into segments and clusters: in a live recording their sizes are unknown.
function dissect(webm: Buffer): Dissected {
  const found: Dissected = { header: Buffer.alloc(0), tracks: Buffer.alloc(0), packets: [] }
  for (let at = 0; at < webm.length;) {
    const { id, dataStart, end } = elementAt(webm, at)
    if (id === ID.ebml) found.header = webm.subarray(at, end)
    if (id === ID.tracks) found.tracks = webm.subarray(at, end)
    // A packet follows four bytes: track number, relative time (2 bytes) and flags.
    if (id === ID.simpleBlock) found.packets.push(webm.subarray(dataStart + 4, end))
    at = id === ID.segment || id === ID.cluster ? dataStart : end
  }
  return found
}

function elementAt(webm: Buffer, at: number): { id: number; dataStart: number; end: number } {
  const idLength = vintLength(webm.readUInt8(at))
  const sizeAt = at + idLength
  const sizeLength = vintLength(webm.readUInt8(sizeAt))
  const dataStart = sizeAt + sizeLength
  // The length marker is removed first: with it, eight bytes would exceed the safe integers.
  const firstBits = webm.readUInt8(sizeAt) - 2 ** (8 - sizeLength)
  const size = webm.subarray(sizeAt + 1, dataStart).reduce((value, byte) => value * 256 + byte, firstBits)
  return { id: webm.readUIntBE(at, idLength), dataStart, end: dataStart + size }
}

/** Length of an EBML variable-length integer: the leading zero bits of its first byte, plus one. */
function vintLength(firstByte: number): number {
  return Math.clz32(firstByte) - 23
}

function cluster(second: number, packets: Buffer[]): Buffer {
  const first = second * PACKETS_PER_SECOND
  const blocks = Array.from({ length: PACKETS_PER_SECOND }, (_, index) => {
    const packet = packets[(first + index) % packets.length] ?? Buffer.alloc(0)
    return element(ID.simpleBlock, [blockHeader(index * PACKET_MS), packet])
  })
  return element(ID.cluster, [element(ID.timestamp, [uint(second * 1000)]), ...blocks])
}

function padTo(bytes: number, cluster: Buffer): Buffer {
  const missing = bytes - cluster.length
  return missing < VOID_HEAD_BYTES
    ? cluster
    : Buffer.concat([cluster, element(ID.void, [Buffer.alloc(missing - VOID_HEAD_BYTES)])])
}

function blockHeader(relativeMs: number): Buffer {
  const header = Buffer.from([0x81, 0, 0, 0x80]) // track 1; a key frame, as every audio frame is
  header.writeInt16BE(relativeMs, 1)
  return header
}

function element(id: number, content: Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const head = Buffer.alloc(8)
  head.writeUIntBE(2 ** 28 + length, 4, 4) // the marker of a four-byte size: up to 256 MB
  head.writeUInt32BE(id, 0)
  const idLength = Math.ceil((32 - Math.clz32(id)) / 8)
  return Buffer.concat([head.subarray(4 - idLength), ...content])
}

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}

const SCORE_START = `<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
  <work><work-title>Études sans fin – 終わりのない練習曲 – 𝄞</work-title></work>
  <part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>
  <part id="P1">
`
const SCORE_END = `  </part>
</score-partwise>
`

function measure(number: number): string {
  const attributes =
    '<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>'
  const notes = [0, 1, 2, 3].map(
    (index) => `
      <note>
        <pitch><step>${'CDEFGAB'[(number + index) % 7]}</step><octave>4</octave></pitch>
        <duration>1</duration><type>quarter</type>
      </note>`
  )
  return `    <measure number="${number}">${number === 1 ? attributes : ''}${notes.join('')}
    </measure>
`
}
