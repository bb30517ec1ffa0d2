import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fastify, { type FastifyRequest } from 'fastify'
import fc from 'fast-check'
import t from 'tap'
import { ApiError } from '../../../../src/server/errors.ts'
import jsonBody, { decodeBody } from '../../../../src/server/http/bodies/json-parser.ts'
import { detectFormat } from '../../../../src/server/audio/detect-format.ts'
import { PROPERTY_RUNS } from '../../../helpers/property-runs.ts'
import { collectBody } from '../../../../src/server/http/bodies/receive-body.ts'
import { parseSmallBody } from '../../../../src/server/sessions/body/small-body.ts'
import {
  receiveSessionBody,
  type ReceivedBody
} from '../../../../src/server/sessions/body/receive-session-body.ts'
import { fixture } from '../../../helpers/recordings.ts'

const MAX_BYTES = 300

const app = fastify()
await app.register(jsonBody)
await app.ready()
t.teardown(() => app.close())
const parseJson = (json: string) => app.parseJson({} as FastifyRequest, json)

type Receive = (body: Readable, maxBytes: number) => Promise<ReceivedBody>

/** What a body gives: the JSON without its recording, and the recording or its error. */
type Outcome = { body: unknown; recording?: unknown; error?: unknown } | { refusal: unknown }

const describe = (error: unknown) => {
  const { code, message } = error as ApiError
  return { code, message }
}

/** Why a body is refused; one that is not JSON in UTF-8 has the same code on the wire, whichever part reports it. */
const describeRefusal = (error: unknown) => {
  const { code } = error as { code: string }
  return { code: code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? code : 'malformed_body' }
}

/** The reference: parses the whole body at once. */
async function receiveWhole(bytes: Buffer): Promise<Outcome> {
  try {
    const body = (await parseJson(decodeBody(bytes))) as { audioBase64?: unknown } | null
    const audio = body?.audioBase64
    if (typeof audio !== 'string' || Array.isArray(body)) return { body }
    const rest = { ...body, audioBase64: '' }
    return decodeWhole(audio).then(
      (recording) => ({ body: rest, recording }),
      (error) => ({ body: rest, error: describe(error) })
    )
  } catch (error) {
    return { refusal: describeRefusal(error) }
  }
}

async function decodeWhole(text: string) {
  const base64 = payloadOf(text)
  if (base64 === '') return null
  const digits = base64.replace(/={1,2}$/, '')
  const isPadded = digits !== base64
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1 || (isPadded && base64.length % 4 !== 0)) {
    throw invalid()
  }
  const size = Math.floor((digits.length * 3) / 4)
  if (size > MAX_BYTES) {
    throw new ApiError(
      'recording_too_large',
      `The recording has ${size} bytes, and at most ${MAX_BYTES} are allowed. Record a shorter one.`
    )
  }
  const bytes = Buffer.from(digits, 'base64')
  const { extension } = await detectFormat({
    size: bytes.length,
    read: async (start, end) => bytes.subarray(start, end)
  })
  return {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    extension,
    content: bytes.toString('hex')
  }
}

function payloadOf(text: string): string {
  if (!/^data:/i.test(text)) return text
  const marker = /;base64,/i.exec(text.slice(0, 256))
  if (marker) return text.slice(marker.index + marker[0].length)
  if (/^data:(?:[^,]{0,200},)?$/i.test(text)) return ''
  throw invalid()
}

const invalid = () =>
  new ApiError(
    'invalid_input',
    'audioBase64 must be standard base64 without white space, or a data: URL of it'
  )

const receiveWholeBody = async (body: Readable, maxRecordingBytes: number) =>
  parseSmallBody(await collectBody(body, { stallMs: 60_000 }), maxRecordingBytes)

async function receiveInPieces(pieces: Buffer[], receive = receiveSessionBody as Receive): Promise<Outcome> {
  let received: ReceivedBody | undefined
  try {
    received = await receive(Readable.from(pieces), MAX_BYTES)
    const body = (await received.parseText(parseJson)) as { audioBase64?: unknown } | null
    if (typeof body?.audioBase64 !== 'string' || Array.isArray(body)) return { body }
    return await received.recording().then(
      async (recording) => ({
        body,
        recording: recording && {
          bytes: recording.bytes,
          sha256: recording.sha256,
          extension: recording.format.extension,
          content: (await buffer(recording.stream())).toString('hex')
        }
      }),
      (error) => ({ body, error: describe(error) })
    )
  } catch (error) {
    return { refusal: describeRefusal(error) }
  } finally {
    await received?.close()
  }
}

const webm = (await fixture('recorders/chrome-pcm.webm')).subarray(0, 145)

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

const recording = fc
  .tuple(
    fc.constantFrom(webm, webm, webm, Buffer.alloc(0)),
    fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(MAX_BYTES - webm.length, MAX_BYTES - webm.length + 1)
    ),
    fc.nat(255)
  )
  .map(([start, length, factor]) =>
    Buffer.concat([start, Buffer.alloc(length).map((_, index) => index * factor)])
  )

const FLAWS = [
  ' ',
  '\n',
  '-',
  '_',
  '=',
  '==',
  '====',
  'A',
  '*',
  'é',
  'Ł',
  '🎹',
  '\0',
  '\ud83d',
  '"',
  '\\',
  'TQ==',
  'A'.repeat(500)
]

/** Base64 of a recording, sometimes with a flaw. */
const base64 = fc
  .tuple(recording, fc.boolean(), fc.constantFrom(...FLAWS, ...FLAWS.map(() => '')), share)
  .map(([bytes, isPadded, flaw, share]) => {
    const text = isPadded ? bytes.toString('base64') : bytes.toString('base64').replace(/=+$/, '')
    const place = Math.min(Math.floor(share * 1.2 * text.length), text.length)
    return text.slice(0, place) + flaw + text.slice(place)
  })

const header = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'data:audio/webm;base64,',
      'data:video/webm;codecs="vp8,opus";base64,',
      'DATA:;BASE64,',
      'data:,',
      'data:',
      'data:audio/webm,',
      'data:audio/webm',
      'data:é🎹;base64,',
      'dat',
      'data'
    )
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 180, max: 270 }).map((length) => `data:${'x'.repeat(length)};base64,`)
  },
  { weight: 1, arbitrary: fc.integer({ min: 190, max: 260 }).map((length) => `data:${'x'.repeat(length)},`) }
)

const audio = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(header, base64).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: header },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 400 }) }
)

/** A JSON string with some needless escape sequences. */
const quoted = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.constantFrom(0, 0, 0.02, 0.5), fc.nat(1000)).map(([text, share, seed]) => {
    const isEscaped = (index: number) => ((index + seed) * 7919) % 1000 < share * 1000
    const escape = (unit: string) =>
      unit === '/' ? '\\/' : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    const characters = share === 0 ? [...text] : text.split('')
    return `"${characters.map((unit, index) => (isEscaped(index) ? escape(unit) : JSON.stringify(unit).slice(1, -1))).join('')}"`
  })

const key = fc.oneof(
  { weight: 4, arbitrary: quoted(fc.constant('audioBase64')) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '"songName"',
      '"audiobase64"',
      '"audioBase64 "',
      '"audioBase6"',
      '"__proto__"',
      '"constructor"',
      '""',
      '"\\u0061udioBase6\\u0034"',
      `"${'\\u0061'.repeat(12)}"`
    )
  },
  { weight: 1, arbitrary: quoted(fc.string({ unit: 'binary', maxLength: 5 })) }
)

const value = fc.oneof(
  { weight: 15, arbitrary: quoted(audio) },
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'null',
      '1e400',
      '-0',
      '123456789012345678901234567890',
      '{"audioBase64":"AAAA"}',
      '[{"audioBase64":"TQ=="}]',
      '{"prototype":{}}',
      '"\\"audioBase64\\":\\""',
      '"{[}]\\\\"'
    )
  },
  { weight: 1, arbitrary: fc.constantFrom('01', "'x'", '"\n"', '"\\x"', 'undefined', '"', '{', ']') }
)

const spaces = fc.constantFrom('', '', ' ', '\n\t ', '\ufeff')
const brackets = fc.constantFrom(
  ['{', '}'],
  ['{', '}'],
  ['{', '}'],
  ['{', '}'],
  ['[{', '}]'],
  ['{"a":{', '}}']
)
const body = fc
  .tuple(fc.array(fc.tuple(key, value), { maxLength: 3 }), spaces, brackets)
  .map(
    ([members, space, [open, close]]) =>
      `${space}${open}${members.map((parts) => parts.join(`${space}:${space}`)).join(`${space},`)}${space}${close}`
  )

const fates = fc.constantFrom(
  ...Array.from({ length: 12 }, () => 'whole' as const),
  'truncated',
  'changed',
  'inserted'
)
const oddBytes = fc.constantFrom(
  0x22,
  0x5c,
  0x3a,
  0x2c,
  0x7b,
  0x7d,
  0x5d,
  0x0a,
  0x00,
  0x80,
  0xc3,
  0xe2,
  0xed,
  0xf0,
  0xff,
  0x41
)

/** Most bodies are left as they are; others are truncated, or one byte is changed or inserted. */
const bytes = fc.tuple(body, fates, share, oddBytes).map(([text, fate, share, byte]) => {
  const whole = Buffer.from(text)
  const place = Math.floor(share * whole.length)
  if (fate === 'whole') return whole
  if (fate === 'truncated') return whole.subarray(0, place)
  return Buffer.concat([
    whole.subarray(0, place),
    Buffer.of(byte),
    whole.subarray(place + (fate === 'changed' ? 1 : 0))
  ])
})

/** Ways to cut a body: at a few offsets, or into pieces of a few bytes. */
const cuts = fc.oneof(
  { weight: 8, arbitrary: fc.array(share, { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 7 }) }
)

function cut(bytes: Buffer, how: number[] | number): Buffer[] {
  const places =
    typeof how === 'number'
      ? Array.from({ length: Math.floor(bytes.length / how) }, (_, index) => index * how)
      : how.map((share) => Math.floor(share * (bytes.length + 1))).sort((a, b) => a - b)
  return [...places, bytes.length].map((place, index) => bytes.subarray(places[index - 1] ?? 0, place))
}

t.test('a body received in pieces gives the same as a body that is parsed whole', async (t) => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(bytes, cuts, async (bytes, how) => {
      const expected = await receiveWhole(bytes)
      const format =
        'refusal' in expected
          ? 'refused'
          : expected.error
            ? (expected.error as ApiError).code
            : expected.recording
              ? 'recording'
              : 'none'
      seen.set(format, (seen.get(format) ?? 0) + 1)
      assert.deepStrictEqual(await receiveInPieces(cut(bytes, how)), expected)
      assert.deepStrictEqual(await receiveInPieces(cut(bytes, how), receiveWholeBody), expected)
    }),
    { numRuns: PROPERTY_RUNS }
  )
  t.pass(`in ${PROPERTY_RUNS} cases`)
  const skip = PROPERTY_RUNS < 5000 && 'rare outcomes need the 5,000 runs of CI'
  t.comment(Object.fromEntries(seen))
  for (const format of [
    'refused',
    'none',
    'recording',
    'invalid_input',
    'recording_too_large',
    'unsupported_recording'
  ]) {
    t.ok((seen.get(format) ?? 0) > 20, `${format} was among them`, { skip })
  }
})

t.test('a body with too many values to fit into memory is too large', async (t) => {
  for (const value of ['{}', '[]', '""', '0']) {
    t.match(
      await receiveInPieces([Buffer.from(`{"x":[${value}${`,${value}`.repeat(300_000)}]}`)]),
      { refusal: { code: 'FST_ERR_CTP_BODY_TOO_LARGE' } },
      value
    )
  }
  t.match(await receiveInPieces([Buffer.from(`{"x":0${',"audioBase64":""'.repeat(200)}}`)]), {
    refusal: { code: 'FST_ERR_CTP_BODY_TOO_LARGE' }
  })
  t.notOk(
    'refusal' in
      (await receiveInPieces([
        Buffer.from(`{"x":[0${',0'.repeat(200_000)}],"y":"${',[{'.repeat(300_000)}"}`)
      ])),
    'fewer values, and commas inside a string, are accepted'
  )
})

t.test(
  'a recording under a misspelt name that makes the text too large is refused by that name',
  async (t) => {
    async function* body() {
      yield Buffer.from('{"songName":"x","audiobase64":"')
      for (let megabyte = 0; megabyte < 41; megabyte++) yield Buffer.alloc(1024 * 1024, 'A')
      yield Buffer.from('"}')
    }
    await t.rejects(receiveSessionBody(body(), 1024), {
      code: 'invalid_input',
      message: 'audiobase64 must be written audioBase64'
    })
  }
)
