import type { Progress } from './storage-service.ts'

/**
 * Converts the progress of request bodies, which may be base64 and may be sent again, to bytes of the
 * recording. The reported value only grows, and reaches `total` only with `finish`.
 */
export function createUploadProgress(total: number, onProgress: (progress: Progress) => void) {
  let last = 0
  const advanceTo = (loaded: number) => {
    if (loaded <= last) return
    last = loaded
    onProgress({ loaded, total })
  }
  return {
    report: (body: Progress) => advanceTo(Math.floor((body.loaded / body.total) * (total - 1))),
    finish: () => advanceTo(total)
  }
}
