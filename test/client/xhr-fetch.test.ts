import t from 'tap'
import { ApiStorageService } from '../../src/client/index.ts'
import { newSession, recording } from './helpers/sessions.ts'

/** The part of XMLHttpRequest that the client uses, with responses from the test. */
class FakeXhr {
  static answers: { status: number; body?: string; retryAfter?: string; fail?: boolean }[] = []
  static sent: { method: string; url: string; headers: Record<string, string>; body: string }[] = []
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {}
  status = 0
  responseText = ''
  onload = () => {}
  onerror = () => {}
  onabort = () => {}
  #method = ''
  #url = ''
  #retryAfter: string | null = null
  readonly #headers: Record<string, string> = {}

  open(method: string, url: string) {
    ;[this.#method, this.#url] = [method, url]
  }
  setRequestHeader(name: string, value: string) {
    this.#headers[name] = value
  }
  getResponseHeader() {
    return this.#retryAfter
  }
  abort() {
    this.onabort()
  }

  async send(body: Blob) {
    FakeXhr.sent.push({
      method: this.#method,
      url: this.#url,
      headers: this.#headers,
      body: await body.text()
    })
    this.upload.onprogress?.({ loaded: body.size, total: body.size })
    const {
      status,
      body: text = '',
      retryAfter = null,
      fail
    } = FakeXhr.answers.shift() ?? { status: 201, body: '{}' }
    Object.assign(this, { status, responseText: text })
    this.#retryAfter = retryAfter
    if (fail) this.onerror()
    else this.onload()
  }
}

const clock = { now: () => new Date(), sleep: async () => {} }
const service = new ApiStorageService({
  getAccessToken: async () => 'token',
  clock,
  XMLHttpRequest: FakeXhr as unknown as typeof XMLHttpRequest,
  baseUrl: 'https://api.example.com/'
})

t.test('a save reports its upload progress', async (t) => {
  const session = newSession({ audio: recording(3) })
  const seen: number[] = []
  await service.saveSession(session, { onProgress: ({ loaded, total }) => seen.push(loaded / total) })
  t.strictSame(seen, [1])
  const [sent] = FakeXhr.sent
  t.match(sent, {
    method: 'POST',
    url: 'https://api.example.com/api/sessions',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json' }
  })
  const body = JSON.parse(sent?.body ?? '')
  t.match(body, { id: session.id, songName: 'Ode to Joy', duration: 600, date: session.date })
  t.equal(body.audioBase64, Buffer.from(await recording(3).arrayBuffer()).toString('base64'))
})

t.test('requests with progress are retried and rejected like any other', async (t) => {
  FakeXhr.answers = [
    { status: 0, fail: true },
    { status: 503, body: '{}', retryAfter: '1' },
    { status: 413, body: '{"code":"recording_too_large","detail":"Too large"}' }
  ]
  await t.rejects(service.saveSession(newSession(), { onProgress: () => {} }), {
    status: 413,
    code: 'recording_too_large',
    detail: 'Too large'
  })
  t.equal(FakeXhr.answers.length, 0)
})
