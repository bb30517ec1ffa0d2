import type { SessionData } from '../../../src/client/index.ts'

/** A session that can be saved, from a quarter of an hour ago unless told otherwise. */
export function newSession(given: Partial<SessionData> = {}): SessionData {
  return {
    id: crypto.randomUUID(),
    date: new Date(Date.now() - 900_000).toISOString(),
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 600,
    xmlContent: '<score-partwise version="4.0"/>',
    analysis: { summary: 'Steady tempo', feedback: 'Mind bar 12 – „dolce“ ♪', scoreAccuracy: 87 },
    ...given
  }
}

/** Bytes that begin as WebM does, and differ by seed; the size is no multiple of three or of any buffer. */
export function recording(seed = 1, size = 70_001): Blob {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * seed + (index >> 8)) % 256)
  bytes.set([
    0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04,
    0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84, 0x77, 0x65, 0x62, 0x6d
  ])
  return new Blob([bytes], { type: 'audio/webm;codecs=opus' })
}

/** The recording's bytes in hexadecimal, wherever the session says that they are; null when there are none. */
export async function recordingOf({ audio, audioUrl }: SessionData): Promise<string | null> {
  if (audio) return hex(audio)
  return audioUrl ? hex(await (await fetch(audioUrl)).blob()) : null
}

export async function hex(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return `${blob.size} ${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
