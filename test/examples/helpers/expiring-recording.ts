import type { Page, Route } from 'playwright-core'

const SECONDS = 600
const BYTES_PER_SECOND = 44_100 * 2
const CHUNK_BYTES = 1_000_000
const ANY_ORIGIN = { 'access-control-allow-origin': '*' }

/**
 * Gives every session a silent recording of ten minutes. Each read of a session or of the history returns new
 * URLs, which work until `expire` is called. While blocked, single sessions cannot be read.
 */
export async function expiringRecording(page: Page) {
  const state = { issued: 0, expired: 0, blocked: false }
  const nextUrl = () => new URL(`/recording.wav?token=${++state.issued}`, page.url()).href
  await page.route(/\/api\/sessions$/, async (route) => {
    if (route.request().method() !== 'GET') return route.fallback()
    const response = await unconditionally(route)
    if (!response.ok()) return route.fulfill({ response })
    const rows = (await response.json()) as object[]
    await route.fulfill({ response, json: rows.map((row) => ({ ...row, audio_url: nextUrl() })) })
  })
  await page.route(/\/api\/sessions\/[^/]+$/, async (route) => {
    if (route.request().method() !== 'GET') return route.fallback()
    if (state.blocked) {
      return route.fulfill({
        status: 500,
        headers: ANY_ORIGIN,
        json: { code: 'internal_error', detail: 'Something went wrong.' }
      })
    }
    const response = await unconditionally(route)
    await route.fulfill({ response, json: { ...((await response.json()) as object), audioUrl: nextUrl() } })
  })
  await page.route(
    (url) => url.pathname === '/recording.wav',
    async (route, request) => {
      const token = Number(new URL(request.url()).searchParams.get('token'))
      if (token <= state.expired) {
        return route.fulfill({
          status: 400,
          json: { statusCode: '400', error: 'InvalidJWT', message: 'jwt expired' }
        })
      }
      const from = Number(/\d+/.exec(request.headers()['range'] ?? '')?.[0] ?? 0)
      const total = wavHeader.length + SECONDS * BYTES_PER_SECOND
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, total - from))
      if (from === 0) wavHeader.copy(chunk)
      const range = `bytes ${from}-${from + chunk.length - 1}/${total}`
      await route.fulfill({
        status: 206,
        contentType: 'audio/wav',
        headers: { 'content-range': range, 'accept-ranges': 'bytes', 'cache-control': 'no-store' },
        body: chunk
      })
    }
  )
  return {
    expire: () => {
      state.expired = state.issued
    },
    block: (blocked: boolean) => {
      state.blocked = blocked
    }
  }
}

/** The answer with its body, also when the page knows it already. */
function unconditionally(route: Route) {
  const { 'if-none-match': _, ...headers } = route.request().headers()
  return route.fetch({ headers })
}

/** RIFF/WAVE, PCM, one channel of 16 bits. */
const wavHeader = Buffer.concat([
  Buffer.from('RIFF'),
  uint32(36 + SECONDS * BYTES_PER_SECOND),
  Buffer.from('WAVEfmt '),
  uint32(16),
  uint16(1),
  uint16(1),
  uint32(BYTES_PER_SECOND / 2),
  uint32(BYTES_PER_SECOND),
  uint16(2),
  uint16(16),
  Buffer.from('data'),
  uint32(SECONDS * BYTES_PER_SECOND)
])

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
