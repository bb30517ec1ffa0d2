import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture, longRecording } from '../../helpers/recordings.ts'

const services = await startServices(t)
const { as } = await build(t, { services })
const clara = as('auth0|clara')
await clara.sync()

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

t.test('an MP3 with a large cover picture at its start is detected', async (t) => {
  const picture = Buffer.alloc(3 * 128 ** 3)
  const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\x03\0\0\0', 'latin1'), picture])
  const bytes = Buffer.concat([tag, await fixture('recording-no-id3.mp3')])
  const { audioUrl } = await saved(bytes.toString('base64'))
  t.match(audioUrl, /\.mp3$/)
  t.ok((await play(audioUrl)).bytes.equals(bytes))
})

t.test('a recording of half an hour is stored and played back unchanged', async (t) => {
  const recording = await longRecording()
  const { audioUrl } = await saved(`data:audio/webm;codecs=opus;base64,${recording.toString('base64')}`)
  const { headers, bytes } = await play(audioUrl)
  t.equal(headers.get('content-length'), String(recording.length))
  t.ok(bytes.equals(recording))
  const end = await play(audioUrl, { range: 'bytes=-1000' })
  t.equal(end.status, 206)
  t.ok(end.bytes.equals(recording.subarray(-1000)))
})
