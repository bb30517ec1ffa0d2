import type { Progress } from './storage-service.ts'

/** The part of `fetch` that the client uses. */
export type Fetch = (
  url: string,
  init: {
    method: string
    headers: Record<string, string>
    body: Blob | null
    signal: AbortSignal
  }
) => Promise<Response>

/** An XMLHttpRequest dressed as `fetch`, which itself cannot tell how far an upload is. */
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

// With the one header that the client reads. An empty text must be null for the statuses that allow no body.
function toResponse(xhr: XMLHttpRequest): Response {
  const headers = { 'retry-after': xhr.getResponseHeader('retry-after') ?? '' }
  return new Response(xhr.responseText || null, { status: xhr.status, headers })
}
