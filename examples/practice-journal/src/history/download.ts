import type { Recording } from '../player/use-audio.tsx'
import { saveBlob } from '../shared/save-blob.ts'

export function downloadScore(xml: string, name: string) {
  saveBlob(new Blob([xml], { type: 'application/vnd.recordare.musicxml+xml' }), `${name}.musicxml`)
}

/** Rejects when the recording cannot be fetched. */
export async function downloadRecording(
  recording: Recording,
  name: string,
  renew: () => Promise<Recording | null | undefined>
) {
  const blob = (await fetchRecording(recording)) ?? (await fetchRecording((await renew()) ?? recording))
  if (!blob) throw new Error('The recording cannot be downloaded')
  saveBlob(blob, `${name}.${extension(blob)}`)
}

async function fetchRecording(recording: Recording): Promise<Blob | undefined> {
  if (typeof recording !== 'string') return recording
  const response = await fetch(recording)
  return response.ok ? response.blob() : undefined
}

function extension({ type }: Blob): string {
  const [, subtype = 'webm'] = /^(?:audio|video)\/(?:x-)?(\w+)/.exec(type) ?? []
  return { mp4: 'm4a', mpeg: 'mp3' }[subtype] ?? subtype
}
