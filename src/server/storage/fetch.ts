import { Agent, request, type Dispatcher } from 'undici'

/**
 * The `fetch` that storage-js gets. storage-js itself never gives up: a server that accepts and hangs would cost five
 * minutes. Here every phase without progress ends after `timeoutMs`; bytes that still travel count as progress, so a
 * slow upload may take its time. `undici.request` costs a third of the CPU of `fetch` with a streamed body, does not
 * follow redirects and does not buffer the body for them.
 */
export function createStorageFetch(timeoutMs: number) {
  const dispatcher = new Agent({
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: Math.min(timeoutMs, 10_000) }
  })

  async function storageFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const { statusCode, headers, body } = await request(String(input), {
      dispatcher,
      method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: init.headers as Record<string, string>,
      signal: init.signal,
      body: init.body as Dispatcher.DispatchOptions['body']
    })
    const bytes = await body.arrayBuffer()
    if (statusCode >= 300 && statusCode < 400) {
      throw new Error(`The storage redirects (${statusCode}); is SUPABASE_URL right?`)
    }
    return new Response(bytes.byteLength === 0 ? null : bytes, { status: statusCode, headers: flat(headers) })
  }

  return { fetch: storageFetch, close: () => dispatcher.close() }
}

const flat = (headers: Dispatcher.ResponseData['headers']) =>
  Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
