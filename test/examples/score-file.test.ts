import t from 'tap'
import { readScoreFile } from '../../examples/practice-journal/src/score/score-file.ts'
import { compressedScore, zip } from './helpers/compressed-score.ts'

const read = (content: string | Buffer, name = 'elise.musicxml') =>
  readScoreFile(new File([typeof content === 'string' ? content : new Uint8Array(content)], name))

const score = (encoding?: string, title = 'Für Elise') =>
  `<?xml version="1.0"${encoding ? ` encoding="${encoding}"` : ''}?>\n<score-partwise><work-title>${title}</work-title></score-partwise>`
const stored = score('UTF-8')
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16()

t.test('reads a score in the encoding that it declares, and declares UTF-8 afterwards', async (t) => {
  const windows = Buffer.from(score('windows-1252', 'F\xfcr Elise'), 'latin1')
  const cyrillic = Buffer.from(score('ISO-8859-5', '\xbf\xd5\xe1\xdd\xef'), 'latin1')
  t.equal(await read(windows), stored)
  t.equal(await read(cyrillic), score('UTF-8', 'Песня'))
  t.match(await read(Buffer.from(score('ISO-8859-1', 'F\xfcr Elise'), 'latin1')), /Für Elise/)
  for (const encoding of [undefined, 'UTF-8', 'utf-8']) {
    t.equal(await read(score(encoding)), score(encoding), 'UTF-8 stays as it is')
  }
})

t.test('reads UTF-16 with and without a byte order mark', async (t) => {
  const text = score('UTF-16')
  for (const content of [
    Buffer.from(`\ufeff${text}`, 'utf16le'),
    Buffer.from(text, 'utf16le'),
    bigEndian(`\ufeff${text}`),
    bigEndian(text),
    Buffer.from(`\ufeff${score('UTF-8')}`),
    text // declares UTF-16 and is UTF-8
  ]) {
    t.equal(await read(content), stored)
  }
})

t.test('refuses a score whose letters would be lost', async (t) => {
  const message = { message: /^The text of elise.musicxml cannot be read in the encoding/ }
  await t.rejects(read(Buffer.from(score(undefined, 'F\xfcr Elise'), 'latin1')), message, 'not UTF-8')
  await t.rejects(read(score('x-unknown')), message, 'an encoding that no browser knows')
  await t.rejects(
    read(Buffer.from(`\ufeff${score()}`, 'utf16le').subarray(0, -1)),
    message,
    'half a character'
  )
})

t.test('opens a compressed score', async (t) => {
  t.equal(await read(compressedScore(stored), 'elise.mxl'), stored)
  const latin1 = Buffer.from(score('ISO-8859-1', 'F\xfcr Elise'), 'latin1')
  t.equal(await read(compressedScore(latin1), 'elise.mxl'), score('UTF-8', 'Für Elise'))
  t.equal(
    await read(zip([{ name: 'a.xml', content: stored, stored: true }]), 'a.mxl'),
    stored,
    'no container'
  )
})

t.test('refuses an archive that is damaged, encrypted or holds no score', async (t) => {
  const archive = compressedScore(stored)
  const flipped = Buffer.from(archive)
  flipped.fill(0xff, archive.indexOf('score.musicxml') + 14, archive.indexOf('score.musicxml') + 30)
  for (const content of [
    archive.subarray(0, 100),
    flipped,
    zip([{ name: 'readme.txt', content: 'No score' }]),
    zip([{ name: 'a.xml', content: stored, encrypted: true }]),
    Buffer.from('PK')
  ]) {
    await t.rejects(read(content, 'a.mxl'), { message: /^a.mxl is damaged or not a compressed score/ })
  }
})

t.test('refuses a score of more than 10 MB, also a small archive of one', async (t) => {
  const message = { message: 'a.mxl is too large. A score can have at most 10 MB.' }
  const large = Buffer.alloc(10 * 1024 * 1024 + 1, ' ')
  await t.rejects(read(large, 'a.mxl'), message)
  const archive = compressedScore(large)
  t.ok(archive.length < 20_000)
  await t.rejects(read(archive, 'a.mxl'), message)
  const latin1 = Buffer.alloc(6 * 1024 * 1024, 0xfc)
  latin1.write(score('ISO-8859-1', ''), 'latin1')
  await t.rejects(read(latin1, 'a.mxl'), message, 'counted in UTF-8')
})

t.test('names the other format where the browser cannot uncompress', async (t) => {
  for (const missing of [
    undefined,
    class {
      constructor() {
        throw new TypeError('Unsupported')
      }
    }
  ]) {
    t.intercept(globalThis, 'DecompressionStream', { value: missing })
    await t.rejects(read(compressedScore(stored), 'a.mxl'), {
      message:
        'This browser cannot open compressed scores. Export a.mxl as uncompressed MusicXML (.musicxml).'
    })
  }
})
