import { readdir, stat } from 'node:fs/promises'
import { fileTypeFromBuffer } from 'file-type'
import t from 'tap'
import { fixture, largeScore, longRecording } from './helpers/recordings.ts'

const FIXTURES = new URL('./fixtures/', import.meta.url)

/** The media type that file-type 21 detects. It is not always the one for a Content-Type. */
const KINDS = {
  'recording.webm': 'video/webm',
  'recording.ogg': 'audio/ogg; codecs=opus',
  'recording-vorbis.ogg': 'audio/ogg',
  'recording.m4a': 'audio/x-m4a',
  'recording-fragmented.mp4': 'video/mp4',
  'recording.mp3': 'audio/mpeg',
  'recording-no-id3.mp3': 'audio/mpeg',
  'recording.wav': 'audio/wav',
  'recording.flac': 'audio/flac',
  'recording.aac': 'audio/aac',
  'clip.mkv': 'video/matroska',
  'image.png': 'image/png'
}

t.test('every fixture has the format of its name', async (t) => {
  for (const [name, mime] of Object.entries(KINDS)) {
    t.equal((await fileTypeFromBuffer(await fixture(name)))?.mime, mime, name)
  }
})

t.test('the MP3s differ in having an ID3 tag', async (t) => {
  t.equal((await fixture('recording.mp3')).toString('latin1', 0, 3), 'ID3')
  t.not((await fixture('recording-no-id3.mp3')).toString('latin1', 0, 3), 'ID3')
})

t.test('only the fragmented MP4 has fragments', async (t) => {
  t.ok((await fixture('recording-fragmented.mp4')).includes('moof'))
  t.notOk((await fixture('recording.m4a')).includes('moof'))
})

t.test('the WebM is a live recording: its segment has no known size', async (t) => {
  t.ok((await fixture('recording.webm')).includes(Buffer.from('1853806701ffffffffffffff', 'hex')))
})

t.test('the README describes every fixture, and all are small', async (t) => {
  const readme = (await fixture('README.md')).toString()
  for (const name of await readdir(FIXTURES)) {
    t.ok(name === 'README.md' || readme.includes(name), `${name} is in the README`)
    t.ok((await stat(new URL(name, FIXTURES))).size < 60_000, `${name} is small`)
  }
  const recorders = new URL('recorders/', FIXTURES)
  for (const name of await readdir(recorders)) {
    t.ok(readme.includes(name.split(/[-.]/, 1)[0] ?? name), `${name} is in the README`)
    t.ok((await stat(new URL(name, recorders))).size <= 4096, `${name} is small`)
  }
})

t.test('the score has eight full measures and a title beyond ASCII', async (t) => {
  const score = (await fixture('ode-to-joy.musicxml')).toString()
  t.ok(isWellFormed(score))
  t.match(score, '<work-title>Ode an die Freude – 歓喜の歌 – Óda na radost</work-title>')
  const measures = score.split('<measure ').slice(1)
  t.same(measures.map(beats), Array(8).fill(4))
})

t.test('longRecording', async (t) => {
  t.test('is half an hour of WebM, as large as a real one', async (t) => {
    const recording = await longRecording()
    t.equal((await fileTypeFromBuffer(recording))?.mime, 'video/webm')
    t.ok(recording.length > 5_000_000 && recording.length < 20_000_000, `${recording.length} bytes`)
    t.same(
      secondsOfClusters(recording),
      Array.from({ length: 1800 }, (_, second) => second)
    )
  })

  t.test('has the requested duration and is deterministic', async (t) => {
    const minute = await longRecording({ minutes: 1 })
    t.equal(secondsOfClusters(minute).length, 60)
    t.ok(minute.equals(await longRecording({ minutes: 1 })))
  })
})

t.test('largeScore', async (t) => {
  t.test('has exactly the requested number of bytes', async (t) => {
    for (const bytes of [1000, 1234, 100_001, 10_000_000]) {
      t.equal(Buffer.byteLength(largeScore(bytes)), bytes)
    }
  })

  t.test('is well-formed, with measures numbered from 1', async (t) => {
    const score = largeScore(50_000)
    t.ok(isWellFormed(score))
    const numbers = [...score.matchAll(/<measure number="(\d+)">/g)].map((match) => Number(match[1]))
    t.ok(numbers.length > 50)
    t.same(
      numbers,
      numbers.map((_, index) => index + 1)
    )
  })

  t.test('refuses a size without room for a measure', async (t) => {
    t.throws(() => largeScore(100), RangeError)
  })
})

t.test('the check for well-formedness finds broken scores', async (t) => {
  t.notOk(isWellFormed('<a><b></a></b>'))
  t.notOk(isWellFormed('<a>'))
  t.notOk(isWellFormed(largeScore(50_000).slice(0, 30_000)))
})

/** Whether all tags are balanced. Sufficient for scores without CDATA and comments. */
function isWellFormed(xml: string): boolean {
  const open: (string | undefined)[] = []
  for (const [, slash, name, selfClosing] of xml.matchAll(/<(\/?)([\w-]+)[^>]*?(\/?)>/g)) {
    if (slash && open.pop() !== name) return false
    if (!slash && !selfClosing) open.push(name)
  }
  return open.length === 0
}

/** Quarters in a measure of two divisions per quarter. */
function beats(measure: string): number {
  return (
    [...measure.matchAll(/<duration>(\d)<\/duration>/g)].reduce((sum, match) => sum + Number(match[1]), 0) / 2
  )
}

/** The time stamps of all clusters: their ids, sizes of four bytes, then a Timestamp element of four bytes. */
function secondsOfClusters(webm: Buffer): number[] {
  const id = Buffer.from('1f43b675', 'hex')
  const seconds = []
  for (let at = webm.indexOf(id); at >= 0; at = webm.indexOf(id, at + 4)) {
    seconds.push(webm.readUInt32BE(at + 13) / 1000)
  }
  return seconds
}
