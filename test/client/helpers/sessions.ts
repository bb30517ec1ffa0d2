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

/** The beginning of a WebM file with one Opus track, as Chrome writes it, up to its first cluster. */
const WEBM_HEADER =
  'GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQRChYECGFOAZwH/////////FUmpZqAq17GDD0JARImEQ7Orx02AhkNo' +
  'cm9tZVdBhkNocm9tZRZUrmu/rr3XgQFzxYfyMOJOeWNkg4EChoZBX09QVVNjopNPcHVzSGVhZAECAACAuwAAAAAA4Y21hEc7' +
  'gACfgQJiZIEg'

/** An element that players skip (RFC 8794, 11.3.2), with the size in eight bytes. */
const voidElement = (size: number) => [0xec, 0x01, 0, 0, 0, size >> 24, size >> 16, size >> 8, size]

/**
 * A WebM recording whose bytes depend on `seed`. The default size is no multiple of three or of a buffer
 * size.
 */
export function recording(seed = 1, size = 70_001): Blob {
  const bytes = new Uint8Array(size).map((_, index) => index * seed + (index >> 8))
  const header = Array.from(atob(WEBM_HEADER), (character) => character.charCodeAt(0))
  bytes.set([...header, ...voidElement(size - header.length - 9)])
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
