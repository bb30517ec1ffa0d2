import type { Clock } from './clock.ts'
import { withRetry } from './retry.ts'
import { StorageError, type SaveOptions } from './storage-service.ts'
import { createTokens, type GetAccessToken } from './token.ts'
import type { Fetch } from './xhr-fetch.ts'

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

export type Call = SaveOptions & { method: 'GET' | 'POST' | 'DELETE'; path: string; body?: Blob }

/** A request to anywhere, the storage for one. `bytes` is how much travels, where that is not the body. */
export type Transfer = SaveOptions & {
  method: string
  url: string
  headers: Record<string, string>
  body?: Blob
  bytes?: number
}

export type Http = {
  /** Answers the parsed JSON body, or undefined where the API answers none. */
  call: <T>(call: Call) => Promise<T>
  /** The same past the API, without a token: answers what `read` makes of the response. */
  transfer: <T>(transfer: Transfer, read: (response: Response) => Promise<T>) => Promise<T>
}

// Transfers slower than this are given up as hanging; in bytes per millisecond.
const SLOWEST_TRANSFER = 10

export function createHttp({ baseUrl, getAccessToken, fetch, Xhr, clock, timeoutMs }: HttpOptions): Http {
  const tokens = createTokens(getAccessToken)

  async function attempt(call: Call, getToken: () => Promise<string>): Promise<unknown> {
    const token = await getToken().catch((cause) => {
      throw new StorageError(401, 'no_token', 'You seem to be signed out. Sign in, and try again.', { cause })
    })
    return exchange(
      {
        ...call,
        url: baseUrl + call.path,
        headers: {
          authorization: `Bearer ${token}`,
          ...(call.body && { 'content-type': 'application/json' })
        }
      },
      readJson
    )
  }

  async function exchange<T>(
    { url, method, headers, body, bytes = body?.size ?? 0, signal, onProgress }: Transfer,
    read: (response: Response) => Promise<T>
  ): Promise<T> {
    // Loaded when first needed. Should that fail, only the progress is missing.
    const send =
      onProgress && Xhr
        ? await import('./xhr-fetch.ts').then(
            ({ xhrFetch }) => xhrFetch(Xhr, onProgress),
            () => fetch
          )
        : fetch
    const timeout = AbortSignal.timeout(timeoutMs + Math.ceil(bytes / SLOWEST_TRANSFER))
    try {
      return await read(
        await send(url, {
          method,
          headers,
          body: body ?? null,
          signal: AbortSignal.any(signal ? [signal, timeout] : [timeout])
        })
      )
    } catch (cause) {
      signal?.throwIfAborted()
      throw cause instanceof StorageError ? cause : networkError(cause)
    }
  }

  // A token may expire, or its key be rotated, between two calls; one fresh token settles that.
  const authorised = (call: Call) =>
    attempt(call, tokens.current).catch((error) => {
      if (error.status !== 401 || error.code === 'no_token') throw error
      return attempt(call, tokens.fresh)
    })

  return {
    call: <T>(call: Call) => withRetry(() => authorised(call), clock, call.signal) as Promise<T>,
    transfer: (transfer, read) => withRetry(() => exchange(transfer, read), clock, transfer.signal)
  }
}

async function readJson(response: Response): Promise<unknown> {
  const { ok, status, headers } = response
  const body = await response.json().catch((error) => {
    if (!(error instanceof SyntaxError)) throw error
  })
  if (!ok) {
    const { code = `http_${status}`, detail = `The server answered ${status}. Try again later.` } = body ?? {}
    throw new StorageError(status, code, detail, {
      retryAfter: Number(headers.get('retry-after')) || undefined
    })
  }
  // Not our API: the login page of a hotel's network, or an app's index.html.
  if (!body && status !== 204) {
    throw new StorageError(
      status,
      'unexpected_answer',
      'Something else than the Harmony Helper server answered.'
    )
  }
  return body
}

export function networkError(cause: unknown): StorageError {
  return new StorageError(
    0,
    'network_error',
    'The server cannot be reached. Check the connection, and try again.',
    { cause }
  )
}
