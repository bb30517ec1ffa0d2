import { createHash } from 'node:crypto'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import { build, startServices, startStorage } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const services = await startServices(t)
const { app, as, database, storage } = await build(t, { services })
const clara = as('auth0|clara')
const { id: userId } = (await clara.sync()).json<User>()
const webm = await fixture('recording.webm')

type Saved = SessionData & { audio_url: string | null }

async function saved(audioBase64: unknown): Promise<Saved> {
  const response = await clara.save({ audioBase64 })
  if (response.statusCode !== 201) throw new Error(response.body)
  return response.json<Saved>()
}

async function play(url: string | null, headers: Record<string, string> = {}) {
  const response = await fetch(url ?? '', { headers })
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer())
  }
}

async function objects(): Promise<string[]> {
  const keys = []
  for await (const { key } of app.storage.list(userId)) keys.push(key)
  return keys
}

const KINDS = {
  'recording.webm': ['webm', 'audio/webm'],
  'clip.mkv': ['webm', 'audio/webm'],
  'recorders/chrome-pcm.webm': ['webm', 'audio/webm'],
  'recorders/junk.mp3': ['mp3', 'audio/mpeg'],
  'recording.ogg': ['ogg', 'audio/ogg'],
  'recording-vorbis.ogg': ['ogg', 'audio/ogg'],
  'recording.m4a': ['m4a', 'audio/mp4'],
  'recording-fragmented.mp4': ['m4a', 'audio/mp4'],
  'recording.mp3': ['mp3', 'audio/mpeg'],
  'recording-no-id3.mp3': ['mp3', 'audio/mpeg'],
  'recording.wav': ['wav', 'audio/wav'],
  'recording.flac': ['flac', 'audio/flac']
} as const

for (const [name, [extension, contentType]] of Object.entries(KINDS)) {
  t.test(`${name} is stored as .${extension} and played back unchanged`, async (t) => {
    const bytes = await fixture(name)
    const { id, audioUrl } = await saved(bytes.toString('base64'))
    t.equal(
      audioUrl,
      `${storage.url}/storage/v1/object/public/harmony-helper-recordings/${userId}/${id}.${extension}`
    )
    t.equal((await clara.get(id)).json<SessionData>().audioUrl, audioUrl)

    const whole = await play(audioUrl)
    t.equal(whole.status, 200)
    t.equal(whole.headers.get('content-type'), contentType)
    t.ok(whole.bytes.equals(bytes))
    t.match(whole.headers.get('cache-control'), /max-age=60\b/, 'caches expire soon after a deletion')

    const range = await play(audioUrl, { range: 'bytes=100-199' })
    t.equal(range.status, 206)
    t.equal(range.headers.get('content-range'), `bytes 100-199/${bytes.length}`)
    t.ok(range.bytes.equals(bytes.subarray(100, 200)))
  })
}

t.test('the digest and length of the recording are stored in the session', async (t) => {
  const { id } = await saved(webm.toString('base64'))
  const [row] = await query(
    database.url,
    `SELECT recording_bytes, recording_sha256 FROM sessions WHERE id = '${id}'`
  )
  t.strictSame(row, {
    recording_bytes: String(webm.length),
    recording_sha256: createHash('sha256').update(webm).digest('hex')
  })
})

t.test('the format is detected from the bytes, not from the declared media type', async (t) => {
  const { audioUrl } = await saved(`data:audio/mpeg;base64,${webm.toString('base64')}`)
  t.match(audioUrl, /\.webm$/)
  t.equal((await play(audioUrl)).headers.get('content-type'), 'audio/webm')
})

t.test(
  'a recording of an unknown format is refused, whatever its declared type, and nothing is stored',
  async (t) => {
    const [before, rows] = [await objects(), (await clara.list()).json<unknown[]>().length]
    const unknown = [
      await fixture('recording.aac'),
      await fixture('image.png'),
      await fixture('ode-to-joy.musicxml'),
      await fixture('recorders/speex.ogg'),
      Buffer.from('hello'),
      Buffer.alloc(1),
      Buffer.alloc(5000)
    ]
    for (const bytes of unknown) {
      isProblem(t, await clara.save({ audioBase64: bytes.toString('base64') }), 'unsupported_recording')
      const { detail } = isProblem(
        t,
        await clara.save({ audioBase64: `data:audio/webm;base64,${bytes.toString('base64')}` }),
        'unsupported_recording'
      )
      t.match(detail, /WebM, MP4, Ogg/)
    }
    t.strictSame(await objects(), before)
    t.equal((await clara.list()).json<unknown[]>().length, rows)
  }
)

t.test('a recording with a video track is refused with the reason', async (t) => {
  const film = (await fixture('recorders/vp8-opus.webm')).toString('base64')
  const { detail } = isProblem(t, await clara.save({ audioBase64: film }), 'unsupported_recording')
  t.match(detail, /video track/)
})

t.test('data URLs in every spelling are accepted', async (t) => {
  const base64 = webm.toString('base64')
  const prefixes = [
    'data:audio/webm;base64,',
    'data:audio/webm;codecs=opus;base64,',
    'data:;base64,',
    'DATA:AUDIO/WEBM;BASE64,',
    'data:video/webm;codecs="vp8,opus";base64,',
    'data:application/octet-stream;name=a%20b;base64,'
  ]
  for (const prefix of prefixes) {
    t.ok((await play((await saved(prefix + base64)).audioUrl)).bytes.equals(webm), prefix)
  }
})

t.test('padding is optional', async (t) => {
  for (const length of [webm.length, webm.length - 1, webm.length - 2]) {
    const bytes = webm.subarray(0, length)
    for (const base64 of [bytes.toString('base64'), bytes.toString('base64').replace(/=+$/, '')]) {
      t.ok((await play((await saved(base64)).audioUrl)).bytes.equals(bytes))
    }
  }
})

t.test('null, an absent value and an empty data URL mean no recording', async (t) => {
  for (const none of [
    undefined,
    null,
    '',
    'data:',
    'data:,',
    'data:audio/webm;base64,',
    'data:;base64,',
    'data:audio/webm;codecs=opus;base64,',
    'data:audio/webm,'
  ]) {
    const { audioUrl } = await saved(none)
    t.equal(audioUrl, null, String(none))
  }
})

t.test('audio that is not standard base64 is refused: no byte is silently dropped', async (t) => {
  const base64 = webm.toString('base64').replace(/=+$/, '')
  const whole = base64.slice(0, base64.length - (base64.length % 4))
  const invalid = {
    'white space inside': `${whole.slice(0, 400)}\n${whole.slice(400)}`,
    'white space behind': `${whole} `,
    'white space before': ` ${whole}`,
    'white space instead of padding': `${whole}TQ  `,
    'a digit too many': `${whole}A`,
    'too much padding': `${whole}TQ===`,
    'too little padding': `${whole}TQ=`,
    'padding after a complete group': `${whole}====`,
    'padding in the middle': `${whole.slice(0, 4)}TQ==${whole.slice(4)}`,
    'the URL alphabet, -': `${whole}ab-d`,
    'the URL alphabet, _': `${whole}ab_d`,
    'a letter outside the alphabet': `${whole}ab*d`,
    'a letter beyond ASCII': `${whole}abéd`,
    'a letter that ends in the byte of a digit': `${whole}abŁd`,
    'an emoji': `${whole}🎹`,
    NUL: `${whole}\0`,
    'only padding': '==',
    'a data URL without base64': `data:audio/webm,${whole}`,
    'a data URL that was cut short': 'data:audio/webm',
    'a data URL in hexadecimal': 'data:audio/webm;hex,1a45dfa3',
    'a data URL in a data URL': `data:audio/webm;base64,data:audio/webm;base64,${whole}`,
    'percent-encoding': `data:audio/webm;base64,${whole}%3D`,
    'a URL': 'https://example.com/recording.webm',
    'a blob URL': 'blob:http://localhost:5173/0d2c8f0e'
  }
  for (const [what, audioBase64] of Object.entries(invalid)) {
    t.comment(what)
    isProblem(t, await clara.save({ audioBase64 }), 'invalid_input', '/audioBase64')
  }
})

t.test('a recording may be as large as MAX_RECORDING_BYTES and no larger', async (t) => {
  const { as } = await build(t, {
    services,
    env: { MAX_RECORDING_BYTES: String(webm.length), SUPABASE_BUCKET: 'small' }
  })
  const robert = as('auth0|robert')
  await robert.sync()
  const exact = await robert.save({ audioBase64: webm.toString('base64') })
  t.equal(exact.statusCode, 201)
  t.match(exact.json<Saved>().audioUrl, '/object/public/small/')
  const { detail } = isProblem(
    t,
    await robert.save({ audioBase64: Buffer.concat([webm, Buffer.alloc(1)]).toString('base64') }),
    'recording_too_large'
  )
  t.match(detail, String(webm.length))
  t.equal((await robert.list()).json<unknown[]>().length, 1)
})

t.test('a lower limit of the project gives the same answer, and the id is free at once', async (t) => {
  const tight = await startStorage(t, { maxFileSize: 1_000_000 })
  const { as, app } = await build(t, { services, env: { SUPABASE_URL: tight.url } })
  const large = Buffer.concat([webm, Buffer.alloc(1_000_000)])
  const id = '5b0a9a43-6d0c-4be1-8b5f-3c2d65a0c001'
  isProblem(t, await as(clara.sub).save({ id, audioBase64: large.toString('base64') }), 'recording_too_large')
  t.notOk(await app.storage.exists(`${userId}/${id}.webm`))
  isProblem(t, await as(clara.sub).get(id), 'session_not_found')
  t.equal((await as(clara.sub).save({ id })).statusCode, 201)
})
