import type { Dispatcher } from 'undici'
import { storageCalls, trace } from '../diagnostics.ts'
import { wrongUrl } from './errors.ts'

/**
 * Creates the `fetch` for storage-js, which has no time limit of its own. A request without progress for
 * `timeoutMs` fails. Bytes in transit count as progress, so a slow upload can finish.
 *
 * For a streamed body, `undici.request` needs a third of the CPU of `fetch`. It follows no redirects, so it
 * does not keep the body to send it again.
 */
export function createStorageFetch(timeoutMs: number) {
  let connecting: ReturnType<typeof connect> | undefined

  /** undici is loaded with the first request: at the start it would cost as much as Fastify does. */
  async function connect() {
    const { Agent, request } = await import('undici')
    const dispatcher = new Agent({
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: Math.min(timeoutMs, 10_000) }
    })
    return { request, dispatcher }
  }

  const storageFetch = (input: string | URL | Request, init: RequestInit = {}): Promise<Response> =>
    trace(storageCalls, () => send(input, init), {
      method: init.method ?? 'GET',
      path: new URL(String(input)).pathname
    })

  async function send(input: string | URL | Request, init: RequestInit): Promise<Response> {
    const { request, dispatcher } = await (connecting ??= connect())
    const { statusCode, headers, body } = await request(String(input), {
      dispatcher,
      method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: init.headers as Record<string, string>,
      signal: init.signal,
      body: init.body as Dispatcher.DispatchOptions['body']
    })
    const bytes = await body.arrayBuffer()
    if (statusCode >= 300 && statusCode < 400) {
      throw wrongUrl(`it redirects with ${statusCode}`)
    }
    return new Response(bytes.byteLength === 0 ? null : bytes, {
      status: statusCode,
      headers: toPairs(headers)
    })
  }

  return { fetch: storageFetch, close: async () => (await connecting)?.dispatcher.destroy() }
}

const toPairs = (headers: Dispatcher.ResponseData['headers']) =>
  Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
