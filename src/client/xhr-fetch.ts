import type { Progress } from './storage-service.ts'

/** The part of `fetch` that the client uses. */
export type Fetch = (
  url: string,
  init: {
    method: string
    headers: Record<string, string>
    body: Blob | null
    signal: AbortSignal
    /** Whether the request outlives the page. */
    keepalive: boolean
  }
) => Promise<Response>

/** A `fetch` on XMLHttpRequest, because `fetch` itself reports no upload progress. */
export function xhrFetch(Xhr: typeof XMLHttpRequest, onProgress: (progress: Progress) => void): Fetch {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const xhr = new Xhr()
      xhr.open(method, url)
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
      xhr.upload.onprogress = ({ loaded, total }) => onProgress({ loaded, total })
      xhr.onload = () => resolve(toResponse(xhr))
      xhr.onerror = () => reject(new TypeError('The request failed'))
      xhr.onabort = () => reject(signal.reason)
      signal.addEventListener('abort', () => xhr.abort(), { once: true })
      xhr.send(body)
    })
}

// Only the header that the client reads. The body must be null for statuses that allow none, such as 204.
function toResponse(xhr: XMLHttpRequest): Response {
  const headers = { 'retry-after': xhr.getResponseHeader('retry-after') ?? '' }
  return new Response(xhr.responseText || null, { status: xhr.status, headers })
}
