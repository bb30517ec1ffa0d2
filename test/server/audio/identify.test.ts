import { readdir } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import t from 'tap'
import { identify, type Identified } from '../../../src/server/audio/identify.ts'
import { runsOf } from '../../helpers/property-runs.ts'
import { fixture } from '../../helpers/recordings.ts'

/** Every file of fixtures/recorders, by the kind that it is to have. */
const RECORDERS: Record<string, readonly string[]> = {
  webm: [
    'chrome-opus.webm',
    'chrome-pcm.webm',
    'opus.webm',
    'vorbis.webm',
    'opus.mka',
    'vorbis.mka',
    'pcm-s16.mka',
    'pcm-s24.mka',
    'pcm-f32.mka'
  ],
  m4a: [
    'chrome-opus.mp4',
    'aac.m4a',
    'aac-fragmented.mp4',
    'aac.mov',
    'aac.3gp',
    'alac.m4a',
    'opus.mp4',
    'flac.mp4',
    'mp3.mp4',
    'pcm.mov'
  ],
  ogg: ['opus.ogg', 'vorbis.ogg', 'flac.ogg', 'skeleton.ogg'],
  mp3: ['xing.mp3', 'id3.mp3', 'mpeg2.mp3', 'junk.mp3'],
  wav: ['u8.wav', 's16.wav', 's24.wav', 'f32.wav', 'alaw.wav', 'mulaw.wav', 'piped.wav', 'rf64.wav'],
  flac: ['flac.flac'],
  video: ['vp8.webm', 'vp8-opus.webm', 'h264.mp4', 'h264-aac.mp4', 'h264.mkv', 'theora.ogv'],
  unknown: [
    'speex.ogg',
    'aac.mka',
    'flac.mka',
    'mp3.mka',
    'layer2.mp2',
    'adpcm.wav',
    'mp3.wav',
    'aac.aac',
    'mp3.mpegts',
    'mp2.mpg',
    'mp3.flv',
    'pcm.aiff',
    'pcm.caf',
    'pcm.w64'
  ]
}

const recorded = (name: string) => fixture(`recorders/${name}`)
const kindOf = (found: Identified) => (typeof found === 'string' ? found : found.extension)

/** Identifies bytes in memory. Refuses reads outside of them. */
async function identifyBytes(bytes: Buffer): Promise<string> {
  const read = async (start: number, end: number) => {
    if (start < 0 || end < start || end > bytes.length) throw new RangeError(`${start} to ${end}`)
    return bytes.subarray(start, end)
  }
  return kindOf(await identify({ size: bytes.length, read }))
}

/** An ID3v2 tag with a picture of this size (ID3v2.4, section 3.1). */
function id3Tag(bytes: number): Buffer {
  const size = [21, 14, 7, 0].map((shift) => (bytes >> shift) & 0x7f)
  return Buffer.concat([Buffer.from('ID3\x04\0\0', 'latin1'), Buffer.from(size), Buffer.alloc(bytes, 0xff)])
}

function box(type: string, content: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(8 + content.length)
  header.write(type, 4, 'latin1')
  return Buffer.concat([header, content])
}

function overwrite(bytes: Buffer, at: number, replacement: string): Buffer {
  const changed = Buffer.from(bytes)
  changed.write(replacement, at, 'latin1')
  return changed
}

t.test('a file of every recorder is identified by its tracks', async (t) => {
  for (const [kind, names] of Object.entries(RECORDERS)) {
    for (const name of names) t.equal(await identifyBytes(await recorded(name)), kind, name)
  }
  const listed = Object.values(RECORDERS).flat().sort()
  t.strictSame((await readdir(new URL('../../fixtures/recorders', import.meta.url))).sort(), listed)
})

t.test('the index of an MP4 is found behind the sound, whatever the brand', async (t) => {
  const mp4 = await recorded('aac.m4a')
  const brands = ['M4A ', 'M4B ', 'M4V ', 'isom', 'iso2', 'iso5', 'iso6', 'mp41', 'mp42', 'avc1', 'dash']
  for (const brand of [...brands, 'qt  ', '3gp4', '3gp5', '3g2a', 'mmp4', 'MSNV', 'F4A ', 'F4V ']) {
    t.equal(await identifyBytes(overwrite(mp4, 8, brand)), 'm4a', brand)
  }
  const fileType = mp4.subarray(0, mp4.readUInt32BE(0))
  const rest = mp4.subarray(fileType.length)
  const sound = box('mdat', Buffer.alloc(3_000_000))
  t.equal(await identifyBytes(Buffer.concat([fileType, sound, rest])), 'm4a', 'after three megabytes')
  t.equal(
    await identifyBytes(Buffer.concat([sound, rest])),
    'm4a',
    'without a file type, as in old QuickTime'
  )
  const large = Buffer.concat([Buffer.from('\0\0\0\x01mdat\0\0\0\0\0\0\0\x20', 'latin1'), Buffer.alloc(16)])
  t.equal(
    await identifyBytes(Buffer.concat([fileType, large, rest])),
    'm4a',
    'after a box with a 64-bit size'
  )
})

t.test('an MP4 without a readable index is refused after few reads', async (t) => {
  const fileType = (await recorded('aac.m4a')).subarray(0, 28)
  const files = {
    'many boxes': Buffer.concat(Array(100_000).fill(box('free', Buffer.alloc(0)))),
    'no index': Buffer.concat([fileType, box('mdat', Buffer.alloc(300_000))]),
    'a box that ends with the file': Buffer.from('\0\0\0\0mdat sound', 'latin1'),
    'an index that is too large': Buffer.concat([fileType, box('moov', Buffer.alloc(5_000_000))]),
    'an index that was cut': (await recorded('aac.m4a')).subarray(0, -50),
    'a box without length': Buffer.from('\0\0\0\x04mdat', 'latin1')
  }
  for (const [what, bytes] of Object.entries(files)) {
    let reads = 0
    const read = async (start: number, end: number) => {
      reads++
      return bytes.subarray(start, end)
    }
    t.equal(await identify({ size: bytes.length, read }), 'unknown', what)
    t.ok(reads < 40, `${what}: ${reads} reads`)
  }
})

t.test('an image in the container of MP4 is refused', async (t) => {
  const heic = Buffer.concat([box('ftyp', Buffer.from('heic\0\0\0\0mif1')), box('meta', Buffer.alloc(200))])
  t.equal(await identifyBytes(heic), 'unknown')
})

t.test('an MP3 is found behind tags of any size, behind junk, and when it was cut anywhere', async (t) => {
  const frames = await fixture('recording-no-id3.mp3')
  for (const size of [0, 1000, 127_000, 128 * 1024, 6_000_000]) {
    t.equal(await identifyBytes(Buffer.concat([id3Tag(size), frames])), 'mp3', `a tag of ${size} bytes`)
  }
  t.equal(await identifyBytes(Buffer.concat([id3Tag(900), id3Tag(50), frames])), 'mp3', 'two tags')
  for (const size of [1, 10, 4096, 60_000]) {
    for (const byte of [0, 0x20, 0xff]) {
      const junk = Buffer.alloc(size, byte)
      t.equal(await identifyBytes(Buffer.concat([junk, frames])), 'mp3', `${size} bytes of ${byte}`)
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(2000), fc.integer({ min: 3000, max: frames.length }), async (start, end) => {
      t.equal(await identifyBytes(frames.subarray(start, end)), 'mp3')
    }),
    { numRuns: runsOf(100) }
  )
})

t.test('an MP3 is found when its first bytes happen to be the signature of another kind', async (t) => {
  const frames = await fixture('recording-no-id3.mp3')
  for (const signature of ['c771', 'fff8', '424d', '4d5a', '7801', '0b77', '1f9d', '60ea', 'ff0a']) {
    const cut = Buffer.concat([Buffer.from(signature, 'hex'), frames.subarray(100)])
    t.equal(await identifyBytes(cut), 'mp3', signature)
    t.not(await identifyBytes(cut.subarray(0, 200)), 'mp3', `${signature} without frames`)
  }
})

t.test('frames of MP3 within a file of another kind do not make it an MP3', async (t) => {
  const frames = (await fixture('recording-no-id3.mp3')).subarray(0, 3000)
  const starts = {
    ZIP: Buffer.from('504b0304140000000000000000000000000000000000000000000100000061', 'hex'),
    AVI: Buffer.from('RIFF\xff\xff\xff\x00AVI LIST', 'latin1'),
    ASF: Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex'),
    JPEG: Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
    EBML: Buffer.from('1a45dfa3a34286810142f7810142f2810442f381084282886d6174726f736b61', 'hex')
  }
  for (const [what, start] of Object.entries(starts)) {
    t.equal(await identifyBytes(Buffer.concat([start, frames])), 'unknown', what)
  }
})

t.test('WAV is identified without its sizes, and by every name that it has', async (t) => {
  const wav = await recorded('s16.wav')
  const rf64 = await recorded('rf64.wav')
  for (const size of ['\0\0\0\0', '\xff\xff\xff\xff', '\x10\0\0\0']) {
    t.equal(await identifyBytes(overwrite(wav, 4, size)), 'wav', 'a recorder that was cut writes no size')
  }
  t.equal(await identifyBytes(overwrite(rf64, 0, 'BW64')), 'wav', 'BW64')
  t.equal(await identifyBytes(overwrite(wav, 8, 'AVI ')), 'unknown', 'another RIFF')
})

t.test('a WebM is identified whatever the size of its segment, and whatever follows it', async (t) => {
  const webm = await recorded('opus.mka')
  const size = webm.indexOf(Buffer.from('18538067', 'hex')) + 4
  for (const wrong of ['0100000000000000', '0100000000000064', '01ffffffffffffff', '010000ffffffffff']) {
    const changed = Buffer.from(webm)
    changed.write(wrong, size, 'hex')
    t.equal(await identifyBytes(changed), 'webm', wrong)
  }
  for (const tail of [Buffer.alloc(200_000), Buffer.alloc(200_000, 0xff), Buffer.alloc(300, 0x1a), webm]) {
    t.equal(await identifyBytes(Buffer.concat([webm, tail])), 'webm')
  }
})

t.test('Ogg is identified by all of its streams, with or without a Skeleton', async (t) => {
  const [opus, skeleton] = [await recorded('opus.ogg'), await recorded('skeleton.ogg')]
  const firstPage = (bytes: Buffer) => {
    const content = 27 + (bytes[26] ?? 0)
    return bytes.subarray(
      0,
      bytes.subarray(27, content).reduce((end, size) => end + size, content)
    )
  }
  const [speex, theora] = [firstPage(await recorded('speex.ogg')), firstPage(await recorded('theora.ogv'))]
  t.equal(await identifyBytes(Buffer.concat([firstPage(skeleton), opus])), 'ogg')
  t.equal(await identifyBytes(firstPage(skeleton)), 'unknown', 'a Skeleton alone')
  t.equal(await identifyBytes(Buffer.concat([speex, opus])), 'unknown')
  t.equal(await identifyBytes(Buffer.concat([theora, opus])), 'video')
})

t.test('any bytes are identified without an error and within a moment', async (t) => {
  const samples = await Promise.all(Object.values(RECORDERS).flat().map(recorded))
  const tail = fc.oneof(fc.constant(Buffer.alloc(0)), fc.constant(Buffer.alloc(200_000, 0xff)))
  const damaged = fc
    .record({
      bytes: fc.constantFrom(...samples),
      changes: fc.array(fc.record({ at: fc.nat(4096), byte: fc.nat(255) }), { maxLength: 20 }),
      cut: fc.nat(4096),
      tail
    })
    .map(({ bytes, changes, cut, tail }) => {
      const copy = Buffer.from(bytes)
      for (const { at, byte } of changes) if (at < copy.length) copy[at] = byte
      return Buffer.concat([cut % 3 === 0 ? copy.subarray(0, cut) : copy, tail])
    })
  const noise = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes))
  let slowest = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: damaged }, noise), async (bytes) => {
      const start = performance.now()
      await identifyBytes(bytes)
      slowest = Math.max(slowest, performance.now() - start)
    }),
    { numRuns: runsOf(1000) }
  )
  t.ok(slowest < 2000, `the slowest took ${Math.round(slowest)} ms`)
})

t.test('an error of the source is passed on', async (t) => {
  const gone = new Error('gone')
  const failing = { size: 1000, read: () => Promise.reject(gone) }
  await t.rejects(identify(failing), gone)
  const mp4 = await recorded('aac.m4a')
  let reads = 0
  const read = async (start: number, end: number) => {
    if (reads++ > 0) throw gone
    return Buffer.concat([mp4.subarray(0, 28), box('mdat', Buffer.alloc(200_000))]).subarray(start, end)
  }
  await t.rejects(identify({ size: 1_000_000, read }), gone)
})
