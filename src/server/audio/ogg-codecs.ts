/** `unknown` includes Speex. A Skeleton stream describes the others and has no content. */
export type OggCodec = 'opus' | 'vorbis' | 'flac' | 'theora' | 'skeleton' | 'unknown'

/** First bytes of the first packet: RFC 7845; Vorbis I, 4.2.1; RFC 9639, 10.1; Theora, 6.1; Skeleton 3 and 4. */
const PACKETS: Array<[start: string, codec: OggCodec]> = [
  ['OpusHead', 'opus'],
  ['\x01vorbis', 'vorbis'],
  ['\x7fFLAC', 'flac'],
  ['\x80theora', 'theora'],
  ['fishead\0', 'skeleton']
]

const HEADER_BYTES = 27
const BEGINS_STREAM = 0x02

/**
 * The codecs of the logical streams of an Ogg file, from its first bytes; empty for any other file. Each
 * stream begins with a page of its own, and these pages precede all others (RFC 3533, section 4).
 *
 * Written here, because the demuxer leaves out the streams that it does not know, such as video.
 */
export function readOggCodecs(bytes: Buffer): OggCodec[] {
  const codecs: OggCodec[] = []
  for (let at = 0; beginsStream(bytes, at);) {
    const content = at + HEADER_BYTES + (bytes[at + 26] ?? 0)
    codecs.push(codecOf(bytes.toString('latin1', content, content + 8)))
    at = bytes.subarray(at + HEADER_BYTES, content).reduce((end, length) => end + length, content)
  }
  return codecs
}

const beginsStream = (bytes: Buffer, at: number) =>
  bytes.toString('latin1', at, at + 4) === 'OggS' && ((bytes[at + 5] ?? 0) & BEGINS_STREAM) !== 0

const codecOf = (packet: string): OggCodec =>
  PACKETS.find(([start]) => packet.startsWith(start))?.[1] ?? 'unknown'
