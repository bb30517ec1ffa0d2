import type { Clock } from './clock.ts'
import { withRetry } from './retry.ts'
import { StorageError, type SaveOptions } from './storage-service.ts'
import { createTokens, type GetAccessToken } from './token.ts'
import { xhrFetch, type Fetch } from './xhr-fetch.ts'

/**
 * Calls to the API: with a token, in time, tried again where nothing speaks against it, and with every failure as a
 * `StorageError`. Every call that the client makes may be repeated: reads, deletes, the sync, and saves by their id.
 */
export type HttpOptions = {
  baseUrl: string
  getAccessToken: GetAccessToken
  fetch: Fetch
  Xhr: typeof XMLHttpRequest | undefined
  clock: Clock
  timeoutMs: number
}

export type Call = SaveOptions & { method: 'GET' | 'POST' | 'DELETE', path: string, body?: Blob }

/** Answers the parsed JSON body, or undefined where the API answers none. */
export type Http = <T>(call: Call) => Promise<T>

// Uploads slower than this are given up as hanging; in bytes per millisecond.
const SLOWEST_UPLOAD = 10

export function createHttp ({ baseUrl, getAccessToken, fetch, Xhr, clock, timeoutMs }: HttpOptions): Http {
  const tokens = createTokens(getAccessToken)

  async function attempt (call: Call, getToken: () => Promise<string>): Promise<unknown> {
    const token = await getToken().catch(cause => {
      throw new StorageError(401, 'no_token', 'You seem to be signed out. Sign in, and try again.', { cause })
    })
    const { method, body, signal, onProgress } = call
    const send = onProgress && Xhr ? xhrFetch(Xhr, onProgress) : fetch
    const timeout = AbortSignal.timeout(timeoutMs + Math.ceil((body?.size ?? 0) / SLOWEST_UPLOAD))
    try {
      const response = await send(baseUrl + call.path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...body && { 'content-type': 'application/json' } },
        body: body ?? null,
        signal: AbortSignal.any(signal ? [signal, timeout] : [timeout])
      })
      return read(response, await response.text())
    } catch (cause) {
      signal?.throwIfAborted()
      if (cause instanceof StorageError) throw cause
      throw new StorageError(0, 'network_error', 'The server cannot be reached. Check the connection, and try again.', { cause })
    }
  }

  // A token may expire, or its key be rotated, between two calls; one fresh token settles that.
  const authorised = (call: Call) => attempt(call, tokens.current).catch(error => {
    if (error.status !== 401 || error.code === 'no_token') throw error
    return attempt(call, tokens.fresh)
  })

  return <T>(call: Call) => withRetry(() => authorised(call), clock, call.signal) as Promise<T>
}

function read ({ ok, status, headers }: Response, text: string): unknown {
  const body = parse(text)
  if (!ok) {
    const { code = `http_${status}`, detail = `The server answered ${status}. Try again later.` } = body ?? {}
    throw new StorageError(status, code, detail, { retryAfter: Number(headers.get('retry-after')) || undefined })
  }
  // Not our API: the login page of a hotel's network, or an app's index.html.
  if (!body && status !== 204) throw new StorageError(status, 'unexpected_answer', 'Something else than the Harmony Helper server answered.')
  return body
}

function parse (text: string): { code?: string, detail?: string } | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
