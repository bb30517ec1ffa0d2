import { demux, type Container, type Media } from './demux.ts'
import { FLAC, MP3, MP4, OGG, WAV, WEBM, type AudioFormat } from './formats.ts'
import { skipTags } from './id3-tags.ts'
import { ignoreSizes } from './ignore-sizes.ts'
import { isMp3 } from './mp3.ts'
import { isMp4, readMovie } from './mp4-movie.ts'
import { readOggCodecs } from './ogg-codecs.ts'
import type { RandomAccess } from './random-access.ts'

/** The format of a recording; otherwise why it is none. */
export type Identified = AudioFormat | 'video' | 'unknown'

/** The containers that browsers play, with the codecs of sound that they play from them. */
const PLAYED: Record<Exclude<Container, 'adts'>, { format: AudioFormat; codecs: RegExp }> = {
  matroska: { format: WEBM, codecs: /^(opus|vorbis|pcm-\w+)$/ },
  mp4: { format: MP4, codecs: /^(aac|mp3|opus|flac|alac|pcm-\w+)$/ }, // ALAC is Safari's
  wav: { format: WAV, codecs: /^(pcm-\w+|ulaw|alaw)$/ },
  flac: { format: FLAC, codecs: /^flac$/ }
}

/** The beginning of a file that is read as a whole. The tracks of every container but MP4 are in it. */
const HEAD_BYTES = 128 * 1024

/**
 * Identifies a recording as a browser would: by the tracks within, for which mediabunny reads the container.
 * It reads at most 128 kB from two places, the headers of 32 boxes of an MP4, and its index of up to 4 MB.
 */
export async function identify(source: RandomAccess): Promise<Identified> {
  const head = await readUpTo(source, 0, HEAD_BYTES)
  const cached = { size: source.size, read: cacheHead(source, head) }
  const ogg = readOggCodecs(head)
  if (ogg.length > 0) return identifyOgg(ogg)
  if (isMp4(head)) return formatOfMedia(await readMovie(cached).then((movie) => movie && demux(movie)))
  const start = await skipTags(cached)
  const content = start === 0 ? head : await readUpTo(source, start, HEAD_BYTES)
  const media = await demux(ignoreSizes(content))
  return media || !(await isMp3(content)) ? formatOfMedia(media) : MP3
}

function formatOfMedia(media: Media | undefined): Identified {
  if (!media || media.container === 'adts') return 'unknown'
  if (media.tracks.some(({ isVideo }) => isVideo)) return 'video'
  const { format, codecs } = PLAYED[media.container]
  return media.tracks.some(({ codec }) => codec !== null && codecs.test(codec)) ? format : 'unknown'
}

function identifyOgg(codecs: ReturnType<typeof readOggCodecs>): Identified {
  if (codecs.includes('theora')) return 'video'
  const content = codecs.filter((codec) => codec !== 'skeleton')
  return content.length > 0 && !content.includes('unknown') ? OGG : 'unknown'
}

const readUpTo = async ({ size, read }: RandomAccess, start: number, bytes: number): Promise<Buffer> =>
  start < size ? read(start, Math.min(start + bytes, size)) : Buffer.alloc(0)

const cacheHead =
  ({ read }: RandomAccess, head: Buffer) =>
  async (start: number, end: number) =>
    end <= head.length ? head.subarray(start, end) : read(start, end)
