import { randomUUID } from 'node:crypto'
import type { ProblemCode } from '../../../src/contract/problem.ts'
import type { Attack } from '../helpers/attack.ts'
import type { World } from '../helpers/world.ts'

const SESSION = { songName: 'x', instrument: 'y', duration: 1 }
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const INVALID: ProblemCode[] = ['invalid_input']
const MALFORMED: ProblemCode[] = ['malformed_body', 'invalid_input']

type Answers = Attack['answers']
type Case = [name: string, value: unknown, answers?: Answers]

/** Bodies and parameters that bad-input.test.ts does not try. */
export function contentAttacks(world: World): Attack[] {
  return [...bodies(world), ...changes(world), ...uploads(world), ...parameters(world), ...headers(world)]
}

/** JSON that is sent as it is. `$` stands for the members of a valid session. */
const JSONS: Array<[name: string, json: string, answers: Answers]> = [
  ['members of the object prototype', '{$,"__proto__":{"isAdmin":true,"duration":-1}}', [201, ...MALFORMED]],
  ['a constructor with a prototype', '{$,"constructor":{"prototype":{"isAdmin":true}}}', [201, ...MALFORMED]],
  ['the prototype of the analysis', '{$,"analysis":{"__proto__":{"summary":5}}}', [201, ...MALFORMED]],
  ['required members in __proto__', '{"__proto__":{$}}', MALFORMED],
  ['an escaped __proto__', '{$,"\\u005f_proto__":{"x":1}}', [201, ...MALFORMED]],
  [
    'members named as methods',
    '{$,"toString":1,"hasOwnProperty":1,"valueOf":null,"then":{}}',
    [201, ...INVALID]
  ],
  ['a name twice, the last one invalid', '{$,"songName":"\\u0000"}', INVALID],
  ['a duration twice, the last one invalid', '{$,"duration":-1}', INVALID],
  ['a duration too large for a number', '{"songName":"x","instrument":"y","duration":1e400}', INVALID],
  ['a duration of 1,000 digits', `{"songName":"x","instrument":"y","duration":${'9'.repeat(1000)}}`, INVALID],
  ['a negative zero', '{"songName":"x","instrument":"y","duration":-0}', [201]],
  ['a duration just above a day', '{"songName":"x","instrument":"y","duration":86400.0001}', INVALID],
  ['a hexadecimal duration', '{"songName":"x","instrument":"y","duration":0x10}', ['malformed_body']],
  ['an accuracy of half a point', '{$,"analysis":{"scoreAccuracy":50.5}}', INVALID],
  ['an accuracy too large for 32 bits', '{$,"analysis":{"scoreAccuracy":4294967296}}', INVALID],
  ['a score in a list of 10,000 levels', `{$,"xmlContent":${deep(10_000)}}`, INVALID],
  ['an analysis of 10,000 levels', `{$,"analysis":${deep(10_000)}}`, INVALID],
  [
    'a summary in 5,000 objects',
    `{$,"analysis":{"summary":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}}`,
    INVALID
  ],
  ['20,000 unknown members', `{$,${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join()}}`, [201]],
  ['a member name of 100,000 characters', `{$,"${'k'.repeat(100_000)}":0}`, [201]],
  ['a member name of underscores', `{$,"${'_'.repeat(50_000)}":0}`, [201]],
  ['comments', '{$/**/}', ['malformed_body']],
  ['single quotes', "{'songName':'x'}", ['malformed_body']],
  ['an infinite duration', '{"songName":"x","instrument":"y","duration":Infinity}', ['malformed_body']],
  ['an object after the body', '{$}{$}', ['malformed_body']],
  ['a body of white space and NUL', ' \0 ', ['malformed_body']],
  ['a form', 'songName=x&instrument=y&duration=1', ['malformed_body']],
  [
    'XML with an external entity',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    ['malformed_body']
  ],
  ['a serialized Java object', '\u00ac\u00ed\u0000\u0005sr', ['malformed_body']]
]

/** Members of a session that is saved. */
const MEMBERS: Case[] = [
  ['an id of zeros with a version that no UUID has', { id: '00000000-0000-9000-0000-00000000000g' }],
  ['an id in braces', { id: `{${randomUUID()}}` }],
  ['an id with a line feed', { id: `${randomUUID()}\n` }],
  ['an id with a path', { id: `../${randomUUID()}` }],
  ['an id in full-width digits', { id: randomUUID().replace(/\d/g, '１') }],
  ['a name of invisible characters and a line break', { songName: '\u2028\u00a0\n' }],
  ['a name of 301 characters', { songName: 'x'.repeat(301) }],
  ['a name with half a character', { songName: 'a\udc00' }],
  ['an instrument with NUL', { instrument: 'a\0' }],
  ['notes of 10,001 characters', { notes: 'x'.repeat(10_001) }],
  ['notes with half a character', { notes: '\ud800' }],
  ['a date in the year 275760', { date: '+275760-09-13T00:00:00Z' }],
  ['a date of 1899', { date: '1899-12-31T23:59:59Z' }],
  ['a date that PostgreSQL reads as now', { date: 'now' }],
  ['a date that PostgreSQL reads as infinite', { date: 'infinity' }],
  ['a date that no calendar has', { date: '2026-02-30T00:00:00Z' }],
  ['a date without an offset', { date: '2026-11-22T18:03:00' }],
  ['a date with an offset of 99 hours', { date: '2026-11-22T18:03:00+99:00' }],
  ['a date of next year', { date: '2099-01-01T00:00:00Z' }],
  ['a date in milliseconds', { date: 1_700_000_000_000 }],
  ['a date with NUL', { date: '2026-11-22T18:03:00Z\0' }],
  ['a recording as URL-safe base64', { audioBase64: 'GkXf-_' }],
  ['a recording with white space', { audioBase64: 'GkXf ow==' }],
  ['a recording of padding', { audioBase64: '====' }],
  ['a recording at a URL', { audioBase64: 'http://169.254.169.254/latest/meta-data' }],
  ['a recording in a file', { audioBase64: 'file:///etc/passwd' }],
  [
    'a data URL with CRLF in its type',
    { audioBase64: 'data:audio/webm\r\nx:y;base64,GkXfow==' },
    ['unsupported_recording']
  ],
  ['a list of recordings', { audioBase64: ['GkXfow=='] }]
]

/** Files that are no recordings, or pretend to be one. */
const base64 = (...pieces: Array<string | Buffer>) =>
  Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece))
  ).toString('base64')
const ebml = Buffer.from('1a45dfa3', 'hex')
const uint32 = (value: number) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')

const FILES: Array<[name: string, audioBase64: string]> = [
  ['HTML', base64('<!doctype html><script>alert(1)</script>')],
  ['HTML in a data URL that says audio', `data:audio/webm;base64,${base64('<script>alert(1)</script>')}`],
  ['SVG with a script', base64('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')],
  ['a PDF', base64('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj')],
  ['a ZIP archive', base64('PK\x03\x04', Buffer.alloc(60))],
  ['an ELF program', base64('\x7fELF\x02\x01\x01', Buffer.alloc(60))],
  ['a Windows program', base64('MZ', Buffer.alloc(60), 'PE\0\0')],
  ['a GIF that is a script too', base64('GIF89a/*', Buffer.alloc(20), '*/=1;alert(1)')],
  ['a JPEG', base64(Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(40))],
  ['HTML after the first bytes of WebM', base64(ebml, '<script>alert(1)</script>')],
  ['the first four bytes of WebM', base64(ebml)],
  [
    'WebM of unknown sizes without end',
    base64(ebml, Buffer.from('01ffffffffffffff', 'hex'), Buffer.alloc(64))
  ],
  ['WebM with an element of 2^56 bytes', base64(ebml, Buffer.from('01fffffffffffffe', 'hex'), 'webm')],
  ['WebM whose sizes overlap', base64(ebml, Buffer.from('8242824282428242', 'hex'))],
  [
    'WebM with 1,000 nested segments',
    base64(ebml, Buffer.from('80', 'hex'), Buffer.from('18538067ff'.repeat(1000), 'hex'))
  ],
  ['a RIFF archive that is AVI', base64('RIFF', uint32(0x24000000), 'AVI LIST', Buffer.alloc(40))],
  ['WAV without a format', base64('RIFF', uint32(0xffffffff), 'WAVEdata', uint32(0xffffffff))],
  [
    'WAV of a format with 0 channels and 2^32 bytes a second',
    base64('RIFF', uint32(0x24000000), 'WAVEfmt ', uint32(0x10000000), Buffer.alloc(2), Buffer.alloc(14, 255))
  ],
  ['HTML in a RIFF header', base64('RIFF<!--WAVE--><script>alert(1)</script>')],
  ['an Ogg page without a stream', base64('OggS\0\x02', Buffer.alloc(60))],
  ['an Ogg page of Theora', base64('OggS\0\x02', Buffer.alloc(20), '\x01\x1e\x80theora', Buffer.alloc(30))],
  ['an Ogg page that ends in its segment table', base64('OggS\0\x02', Buffer.alloc(20), '\xff\xff')],
  ['MP4 with brand but no tracks', base64(uint32(24), 'ftypM4A \0\0\0\0M4A mp42')],
  ['MP4 with a box of size 0', base64(uint32(0), 'ftypM4A ', Buffer.alloc(60))],
  [
    'MP4 with a box of 2^63 bytes',
    base64(uint32(16), 'ftypM4A \0\0\0\0', uint32(1), 'moov', Buffer.alloc(8, 255))
  ],
  [
    'MP4 whose boxes contain each other 500 times',
    base64(
      uint32(16),
      'ftypM4A \0\0\0\0',
      ...Array.from({ length: 500 }, (_, i) => Buffer.concat([uint32(8 * (500 - i)), Buffer.from('moov')]))
    )
  ],
  ['HEIC', base64(uint32(24), 'ftypheic\0\0\0\0mif1heic')],
  ['FLAC with a block of 16 MB', base64('fLaC', Buffer.from('80ffffff', 'hex'), Buffer.alloc(34))],
  ['FLAC without stream information', base64('fLaC', Buffer.from('84000000', 'hex'))],
  ['an ID3 tag of 256 MB', base64('ID3\x04\0\0\x7f\x7f\x7f\x7f', Buffer.alloc(40))],
  [
    'an ID3 tag with HTML, and no sound',
    base64('ID3\x04\0\0\0\0\0\x20<script>alert(1)</script>', Buffer.alloc(60))
  ],
  ['one MP3 frame header', base64(Buffer.from('fffb9064', 'hex'))],
  ['a playlist', base64('#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/')],
  ['MIDI', base64('MThd\0\0\0\x06\0\x01\0\x02\0\x60MTrk', Buffer.alloc(20))],
  ['AMR', base64('#!AMR\n', Buffer.alloc(40))],
  ['zeros', base64(Buffer.alloc(5000))]
]

function bodies({ mallory }: World): Attack[] {
  const post = (name: string, payload: string | object, answers: Answers): Attack => ({
    name: `a save of ${name}`,
    request: {
      method: 'POST',
      url: '/api/sessions',
      headers: { ...mallory.headers(), 'content-type': 'application/json' },
      payload
    },
    answers
  })
  const members = JSON.stringify(SESSION).slice(1, -1)
  return [
    ...JSONS.map(([name, json, answers]) => post(name, json.replaceAll('$', members), answers)),
    ...MEMBERS.map(([name, fields, answers = INVALID]) =>
      post(name, { ...SESSION, ...(fields as object) }, answers)
    ),
    ...FILES.map(([name, audioBase64]) =>
      post(`a recording that is ${name}`, { ...SESSION, audioBase64 }, [
        'unsupported_recording',
        'invalid_input'
      ])
    )
  ]
}

function changes({ mallory }: World): Attack[] {
  const cases: Case[] = [
    ['an id', { id: randomUUID() }],
    ['the URL of a recording', { audioUrl: 'https://evil.example/x.webm' }],
    ['a recording', { audioBase64: 'GkXfow==' }],
    ['a name that is null', { songName: null }],
    ['a duration that is null', { duration: null }],
    ['a date that is null', { date: null }],
    ['two durations', { duration: 1, durationSeconds: 2 }],
    ['a negative duration', { duration: -1 }],
    ['a name with NUL', { songName: '\0' }],
    ['notes in a list', { notes: ['x'] }],
    ['an analysis in a list', { analysis: [] }],
    ['an accuracy of text', { analysis: { scoreAccuracy: '87' } }],
    ['a near-miss of a name', { song_name: 'x' }],
    ['the owner', { user_id: randomUUID(), userId: randomUUID(), revision: 99, recording_bytes: -1 }, [200]],
    ['the prototype', JSON.parse('{"__proto__":{"songName":"x"}}'), [200, ...MALFORMED]],
    ['a list of operations (JSON patch)', [{ op: 'replace', path: '/user_id', value: 'x' }]]
  ]
  return cases.map(([name, payload, answers = INVALID]) => ({
    name: `a change of ${name}`,
    request: {
      method: 'PATCH',
      url: `/api/sessions/${mallory.session.id}`,
      headers: mallory.headers(),
      payload: payload as object
    },
    answers
  }))
}

function uploads({ mallory, victim }: World): Attack[] {
  const url = `/api/sessions/${mallory.session.id}/recording`
  const begin: Case[] = [
    ['0 bytes', { contentType: 'audio/webm', bytes: 0 }],
    ['-1 bytes', { contentType: 'audio/webm', bytes: -1 }],
    ['half a byte', { contentType: 'audio/webm', bytes: 0.5 }],
    ['2^53 bytes', { contentType: 'audio/webm', bytes: 2 ** 53 }],
    [
      'more bytes than a recording may have',
      { contentType: 'audio/webm', bytes: 2 ** 40 },
      ['recording_too_large']
    ],
    ['bytes as text', { contentType: 'audio/webm', bytes: '99' }],
    ['HTML', { contentType: 'text/html', bytes: 99 }, ['unsupported_recording']],
    ['video', { contentType: 'video/webm', bytes: 99 }, ['unsupported_recording', 201]],
    [
      'a type with CRLF',
      { contentType: 'audio/webm\r\nx: y', bytes: 99 },
      ['unsupported_recording', 'invalid_input']
    ],
    [
      'a type with NUL',
      { contentType: 'audio/webm\0', bytes: 99 },
      ['unsupported_recording', 'invalid_input']
    ],
    ['a type of 201 characters', { contentType: `audio/${'x'.repeat(195)}`, bytes: 99 }],
    [
      'the upload of the victim',
      { contentType: 'audio/webm', bytes: 99, uploadId: victim.upload.uploadId },
      ['upload_not_found']
    ],
    [
      'an upload id with a path',
      { contentType: 'audio/webm', bytes: 99, uploadId: `../${victim.upload.uploadId}` }
    ]
  ]
  const complete: Case[] = [
    ['of the victim', { uploadId: victim.upload.uploadId }, ['upload_not_found']],
    ['of the victim in upper case', { uploadId: victim.upload.uploadId.toUpperCase() }, ['upload_not_found']],
    ['that was never begun', { uploadId: `${randomUUID()}-99` }, ['upload_not_found']],
    ['with a path as its id', { uploadId: `../../${victim.upload.uploadId}` }],
    ['of 2^63 bytes', { uploadId: `${randomUUID()}-9223372036854775807` }],
    ['of -1 bytes', { uploadId: `${randomUUID()}--1` }],
    ['without an id', {}]
  ]
  const post = (name: string, path: string, [, payload, answers = INVALID]: Case): Attack => ({
    name,
    request: { method: 'POST', url: path, headers: mallory.headers(), payload: payload as object },
    answers
  })
  return [
    ...begin.map((each) => post(`a direct upload of ${each[0]}`, url, each)),
    ...complete.map((each) => post(`the completion of an upload ${each[0]}`, `${url}/complete`, each))
  ]
}

function parameters({ mallory, victim }: World): Attack[] {
  const cursor = (text: string) => Buffer.from(text).toString('base64url')
  const cases: Array<[path: string, answers?: Answers]> = [
    [`/api/sessions?limit=5&cursor=${cursor(`1795370580000000/${victim.session.id}`)}`, [200]],
    [`/api/sessions?limit=5&cursor=${cursor(`99999999999999999999999/${victim.session.id}`)}`],
    [`/api/sessions?limit=5&cursor=${cursor(`1' OR '1'='1/${victim.session.id}`)}`],
    [`/api/sessions?limit=5&cursor=${cursor(`-9223372036854775808/${victim.session.id}`)}`],
    [`/api/sessions?limit=5&cursor=${cursor('1/2/3')}`],
    ['/api/sessions?limit=1001'],
    ['/api/sessions?limit=1e3'],
    ['/api/sessions?limit=0x10'],
    ['/api/sessions?limit=%EF%BC%91'],
    ['/api/sessions?limit[]=5', [200]],
    ['/api/sessions?limit[$gt]=0', [200]],
    ['/api/sessions?__proto__[limit]=-5', [200]],
    ["/api/stats?tz=UTC'%3B%20DROP%20TABLE%20users--"],
    ['/api/stats?tz=..%2F..%2Fetc%2Fpasswd'],
    ['/api/stats?tz=localtime'],
    ['/api/stats?tz=posixrules'],
    ['/api/stats?tz=%2B05:00'],
    ['/api/stats?tz=UTC%00'],
    ['/api/stats?tz=%3Cscript%3E'],
    ['/api/stats/days?from=infinity&to=infinity'],
    ['/api/stats/days?from=-infinity&to=now'],
    ['/api/stats/days?from=today&to=tomorrow'],
    ['/api/stats/days?from=0000-00-00&to=0000-00-00'],
    ['/api/stats/days?from=2026-02-29&to=2026-03-01'],
    ['/api/stats/days?from=2026-12-31&to=2026-01-01'],
    ['/api/stats/days?from=0001-01-01&to=9999-12-31'],
    ['/api/stats/days?from=294277-01-01&to=294277-01-02'],
    ['/api/stats/days?from=2026-01-01'],
    ["/api/stats/days?from=2026-01-01'--&to=2026-01-02"],
    ['/api/stats/days?from=%D9%A2%D9%A0%D9%A2%D9%A6-01-01&to=2026-01-02']
  ]
  return cases.map(([url, answers = INVALID]) => ({
    name: `GET ${url}`,
    request: { url, headers: mallory.headers() },
    answers
  }))
}

/** Headers that must not change what is served, and bodies under another type. */
function headers({ mallory }: World): Attack[] {
  const get: Array<[name: string, sent: Record<string, string>, answers?: Answers]> = [
    [
      '1,000 accepted encodings',
      { 'accept-encoding': Array.from({ length: 1000 }, (_, i) => `x${i};q=0.1`).join() }
    ],
    ['an accepted encoding of NaN', { 'accept-encoding': 'gzip;q=NaN, *;q=-1' }],
    ['an encoding that is a path', { 'accept-encoding': '../../gzip' }],
    ['1,000 entity tags', { 'if-none-match': '"x",'.repeat(1000) }],
    ['a tag without an end', { 'if-none-match': `"${'x'.repeat(5000)}` }],
    ['a range', { range: 'bytes=0-' }],
    ['1,000 ranges', { range: `bytes=${Array(1000).fill('0-').join()}` }],
    ['an unacceptable type', { accept: 'text/html;q=1, */*;q=0' }],
    ['a request id with CRLF', { 'x-request-id': 'x\r\nset-cookie: a=b' }],
    ['a forged proxy', { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'javascript' }],
    ['a forged host', { host: 'evil.example' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['the origin null', { origin: 'null' }],
    ['an origin that ends like an allowed one', { origin: 'http://evil-localhost:5173' }],
    ['an origin that begins like an allowed one', { origin: 'http://localhost:5173.evil.example' }],
    ['an allowed origin in another scheme', { origin: 'https://localhost:5173' }]
  ]
  const types = [
    'application/json-patch+json',
    'application/json; charset=utf-7',
    'application/json; charset=utf-16',
    'application/x-json',
    'text/json',
    'application/cbor',
    'application/vnd.api+json',
    'application/graphql',
    '*/*'
  ]
  return [
    ...get.map(
      ([name, sent]) =>
        ({
          name: `a list with ${name}`,
          request: { url: '/api/sessions', headers: { ...mallory.headers(), ...sent } },
          answers: [200],
          check: (t, { headers }) => {
            t.equal(headers['access-control-allow-origin'], undefined, `${name}: no foreign origin`)
            t.notMatch(JSON.stringify(headers), /evil|javascript|a=b/, `${name}: no header of the attacker`)
          }
        }) satisfies Attack
    ),
    ...types.map((type) => ({
      name: `a save as ${type}`,
      request: {
        method: 'POST' as const,
        url: '/api/sessions',
        headers: { ...mallory.headers(), 'content-type': type },
        payload: Buffer.from(JSON.stringify({ ...SESSION, songName: '' }))
      },
      answers: ['unsupported_media_type', 'invalid_input'] satisfies ProblemCode[]
    }))
  ]
}
