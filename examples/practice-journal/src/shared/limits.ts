/** The largest score in bytes, as the API limits it. */
export const MAX_SCORE_BYTES = 10 * 1024 * 1024

/** `10 MB`; megabytes of 1,048,576 bytes, rounded to a tenth. */
export function formatLimit(bytes: number): string {
  const megabytes = bytes / 1024 / 1024
  return `${megabytes < 10 ? Math.ceil(megabytes * 10) / 10 : Math.ceil(megabytes)} MB`
}
