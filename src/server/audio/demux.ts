import {
  ADTS,
  AdtsInputFormat,
  CustomSource,
  EncodedPacketSink,
  FLAC,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  MatroskaInputFormat,
  MP3,
  MP4,
  QTFF,
  WAVE,
  WaveInputFormat,
  WEBM,
  type InputFormat,
  type InputTrack
} from 'mediabunny'

/** A container that the demuxer reads. ADTS is AAC without a container. */
export type Container = 'matroska' | 'mp4' | 'wav' | 'flac' | 'adts'

/** A track: `codec` as in WebCodecs, such as `opus` or `pcm-f32`; null for one that is not known. */
export type Track = { isVideo: boolean; codec: string | null }

export type Media = { container: Container; tracks: Track[] }

Logging.level = LogLevel.Silent // it would write to the console what it finds wrong with a file

const FORMATS = [MATROSKA, WEBM, WAVE, FLAC, ADTS, MP4, QTFF]

/**
 * Reads the container and the tracks of a media file from its first bytes.
 * @returns undefined for any other file, and for one whose beginning is damaged
 */
export const demux = (bytes: Buffer): Promise<Media | undefined> =>
  read(bytes, FORMATS, async (input) => ({
    container: containerOf(await input.getFormat()),
    tracks: await Promise.all((await input.getTracks()).map(describe))
  }))

/** Whether two MPEG audio frames of layer III (MP3) follow each other within the first 4 kB. */
export async function hasMp3Frames(bytes: Buffer): Promise<boolean> {
  const header = await read(bytes, [MP3], async (input) => {
    const track = await input.getPrimaryAudioTrack()
    const packet = track && (await new EncodedPacketSink(track).getFirstPacket())
    return packet?.data
  })
  return header !== undefined && isLayer3(header[1])
}

/**
 * Whether the second byte of a frame header begins with three set bits and names layer III. Browsers do not
 * play layers I and II, which the demuxer reads as well.
 */
export const isLayer3 = (byte = 0): boolean => (byte & 0b11100110) === 0b11100010

/** Most reads of one file; a recording needs about twenty. */
const MAX_READS = 500

/**
 * Bytes in memory, of which every read is counted: the demuxer's search for the next element of a damaged
 * WebM does not end by itself. Without a cache, every read of the demuxer comes here.
 */
function countReads(bytes: Buffer): CustomSource {
  let reads = 0
  const read = (start: number, end: number) => {
    if (++reads > MAX_READS) throw new Error('Too many reads')
    return bytes.subarray(start, end)
  }
  return new CustomSource({ getSize: () => bytes.length, read, maxCacheSize: 0 })
}

async function read<T>(
  bytes: Buffer,
  formats: InputFormat[],
  use: (input: Input) => Promise<T>
): Promise<T | undefined> {
  const input = new Input({ formats, source: countReads(bytes) })
  try {
    return await use(input)
  } catch {
    return undefined // the bytes are in memory, so every failure is about them
  } finally {
    input.dispose()
  }
}

function containerOf(format: InputFormat): Container {
  if (format instanceof MatroskaInputFormat) return 'matroska'
  if (format instanceof WaveInputFormat) return 'wav'
  if (format instanceof AdtsInputFormat) return 'adts'
  return format === FLAC ? 'flac' : 'mp4'
}

async function describe(track: InputTrack): Promise<Track> {
  // The demuxer has no name for ALAC, which WebCodecs lacks.
  const codec = (await track.getCodec()) ?? ((await track.getInternalCodecId()) === 'alac' ? 'alac' : null)
  return { isVideo: track.isVideoTrack(), codec }
}
