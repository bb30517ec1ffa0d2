import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { Upload } from '../../../../src/contract/recordings.ts'
import type { SessionData } from '../../../../src/contract/sessions.ts'
import { findChromium } from '../../../client/helpers/browser.ts'
import { build, startServices } from '../../../helpers/app.ts'
import { longRecording } from '../../../helpers/recordings.ts'

const MINUTES = 60
const { chromium: executablePath, skip } = await findChromium()

/** Starts a server that accepts recordings of an hour and listens on HTTP. */
async function start(t: Test, access: string) {
  const { app, issuer } = await build(t, {
    services: await startServices(t),
    env: { MAX_RECORDING_BYTES: '100000000', RECORDINGS_ACCESS: access }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const sub = `auth0|${randomUUID()}`
  const headers = { authorization: `Bearer ${issuer.token(sub)}`, 'content-type': 'application/json' }
  const { port } = app.server.address() as AddressInfo

  async function post<T>(path: string, body: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body)
    })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as T
  }
  await post('users/sync', { auth0_id: sub, email: 'clara@example.com', name: 'Clara' })
  return post
}

type Post = Awaited<ReturnType<typeof start>>

const session = { songName: 'The whole recital', instrument: 'Piano', duration: MINUTES * 60 }

const ways = {
  inline: (post: Post, recording: Buffer) =>
    post<SessionData>('sessions', { ...session, audioBase64: recording.toString('base64') }),
  async direct(post: Post, recording: Buffer) {
    const { id } = await post<SessionData>('sessions', session)
    const upload = await post<Upload>(`sessions/${id}/recording`, {
      contentType: 'audio/webm',
      bytes: recording.length
    })
    await fetch(upload.url, {
      method: 'PUT',
      headers: { 'content-type': upload.contentType },
      body: new Uint8Array(recording)
    })
    return post<SessionData>(`sessions/${id}/recording/complete`, { uploadId: upload.uploadId })
  }
}

/** Plays from the beginning, then from near the end. @returns the position reached each time, in seconds */
const playAndSeek = (page: Page, url: string) =>
  page.evaluate(
    async ({ url, end }) => {
      const audio = new Audio(url)
      audio.muted = true
      const happens = (name: string) =>
        new Promise((resolve, reject) => {
          audio.addEventListener(name, resolve, { once: true })
          audio.addEventListener('error', () => reject(new Error(audio.error?.message)), { once: true })
        })
      const advance = async (from: number) => {
        while (audio.currentTime < from + 0.2) await happens('timeupdate')
      }
      await audio.play()
      await advance(0)
      const began = audio.currentTime
      audio.currentTime = end
      await happens('seeked')
      await advance(end)
      audio.pause()
      return { began, came: audio.currentTime, duration: audio.duration }
    },
    { url, end: MINUTES * 60 - 90 }
  )

t.test(
  'a recording of an hour is saved inline and directly, and plays and seeks in the browser, public and private',
  { skip },
  async (t) => {
    const recording = await longRecording({ minutes: MINUTES, bytesPerSecond: 16_667 })
    t.ok(recording.length > 60_000_000)
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required']
    })
    t.teardown(() => browser.close())
    const page = await browser.newPage()
    for (const access of ['public', 'private']) {
      const post = await start(t, access)
      for (const [way, save] of Object.entries(ways)) {
        const { audioUrl } = await save(post, recording)
        t.match(audioUrl, access === 'private' ? '?token=' : /\.webm$/)
        const { began, came, duration } = await playAndSeek(page, audioUrl ?? '')
        t.ok(began > 0 && came > MINUTES * 60 - 90, `${access}, ${way}: came to ${came}`)
        t.equal(Math.round(duration), MINUTES * 60)
      }
    }
  }
)
