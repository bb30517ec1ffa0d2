import type { SessionData } from '../../../src/client/index.ts'

/** A valid session, 15 minutes old by default. */
export function newSession(given: Partial<SessionData> = {}): SessionData {
  return {
    id: given.id ?? crypto.randomUUID(),
    date: new Date(Date.now() - 900_000).toISOString(),
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 600,
    xmlContent: '<score-partwise version="4.0"/>',
    analysis: {
      summary: 'Steady tempo',
      feedback: 'Mind bar 12 – „dolce“ ♪',
      scoreAccuracy: 87,
      markedXml: '<marked/>'
    },
    notes: 'left hand alone first',
    ...given
  }
}

/**
 * Bytes with a WebM header that depend on `seed`. The default size is no multiple of three or of a buffer
 * size.
 */
export function recording(seed = 1, size = 70_001): Blob {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * seed + (index >> 8)) % 256)
  bytes.set([
    0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04,
    0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84, 0x77, 0x65, 0x62, 0x6d
  ])
  return new Blob([bytes], { type: 'audio/webm;codecs=opus' })
}

/** Size and SHA-256 of a session's recording; null when it has none. */
export async function recordingOf({ audio, audioUrl }: SessionData): Promise<string | null> {
  if (audio) return hex(audio)
  return audioUrl ? hex(await (await fetch(audioUrl)).blob()) : null
}

/** Size and SHA-256, as text. */
export async function hex(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return `${blob.size} ${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
