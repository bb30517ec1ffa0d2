import { formatLimit, MAX_SCORE_BYTES } from '../shared/limits.ts'

/** The largest recording in bytes, as the server's MAX_RECORDING_BYTES. */
export const MAX_RECORDING_BYTES = Number(import.meta.env.VITE_MAX_RECORDING_BYTES) || 50 * 1024 * 1024

export const ACCEPTED_FILES = `Recordings: WebM, MP4, Ogg, MP3, WAV or FLAC, up to ${formatLimit(MAX_RECORDING_BYTES)}. Scores: MusicXML or MXL, up to ${formatLimit(MAX_SCORE_BYTES)}.`

/** Where files cannot be dragged, such as on phones, the page does not offer it. */
export const canDrop = matchMedia('(any-hover: hover) and (any-pointer: fine)').matches

export function isScore({ name, type }: File): boolean {
  return /\.(musicxml|xml|mxl)$/i.test(name) || /xml/.test(type)
}

/** @throws Error with a message for the user when the file cannot be saved as a recording */
export function checkRecording({ name, type, size }: File) {
  if (!/^(audio|video)\//.test(type)) {
    throw new Error(`${name} is neither a recording nor a MusicXML score.`)
  }
  if (size === 0) throw new Error(`${name} is empty.`)
  if (size > MAX_RECORDING_BYTES) {
    throw new Error(
      `${name} has ${formatLimit(size)}. A recording can have at most ${formatLimit(MAX_RECORDING_BYTES)}. Save it as MP3 or WebM, or choose a part of it.`
    )
  }
}
