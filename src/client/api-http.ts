import { browserFault } from './browser-errors.ts'
import type { Clock } from './clock.ts'
import { retryRequest } from './request-retry.ts'
import { StorageError, type SaveOptions } from './storage-service.ts'
import { within } from './time-limit.ts'
import { shareRefreshes, type GetAccessToken } from './token.ts'
import type { Fetch } from './xhr-fetch.ts'

export type HttpOptions = {
  baseUrl: string
  getAccessToken: GetAccessToken
  fetch: Fetch
  Xhr: typeof XMLHttpRequest | undefined
  clock: Clock
  timeoutMs: number
}

type SendOptions = Pick<SaveOptions, 'signal' | 'onProgress'>

export type Call = SendOptions &
  Pick<SaveOptions, 'etag' | 'onEtag'> & {
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
    path: string
    body?: Blob
  }

/** A request to any URL, such as the object storage. `bytes` is the expected size of a download. */
export type Transfer = SendOptions & {
  method: string
  url: string
  headers: Record<string, string>
  body?: Blob
  bytes?: number
}

/** HTTP requests with a time limit and retries. Every failure is a `StorageError`. */
export type Http = {
  /** Calls the API with a token. Returns the parsed JSON body, or undefined for an empty one. */
  call: <T>(call: Call) => Promise<T>
  /** Sends a request without a token. Returns the result of `read`. */
  transfer: <T>(transfer: Transfer, read: (response: Response) => Promise<T>) => Promise<T>
  /** As `transfer`, without repeating it. */
  once: <T>(transfer: Transfer, read: (response: Response) => Promise<T>) => Promise<T>
  /** Repeats `work` as requests are repeated. */
  withRetries: <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>
}

// In bytes per millisecond. A slower transfer times out.
const MIN_TRANSFER_RATE = 10

/** Every request of the client is safe to repeat: reads, deletes, merge patches, the sync, and saves because
 * of their id. */
export function createHttp({ baseUrl, getAccessToken, fetch, Xhr, clock, timeoutMs }: HttpOptions): Http {
  // Each token has the time limit, so that a refresh that hangs does not hang all later ones.
  const getToken = shareRefreshes((options) =>
    within(timeoutMs, Promise.resolve(options).then(getAccessToken).catch(failSignedOut), networkError)
  )

  async function attempt(call: Call, cacheMode: 'on' | 'off'): Promise<unknown> {
    const token =
      (await within(timeoutMs, getToken({ cacheMode }), networkError, call.signal)) || failSignedOut()
    return request(
      {
        ...call,
        url: baseUrl + call.path,
        headers: {
          authorization: `Bearer ${token}`,
          ...(call.body && { 'content-type': 'application/json' }),
          ...(call.etag && { 'if-none-match': call.etag })
        }
      },
      (response) => {
        call.onEtag?.(response.headers.get('etag') ?? undefined)
        return readJson(response)
      }
    )
  }

  async function request<T>(
    { url, method, headers, body, bytes = body?.size ?? 0, signal, onProgress }: Transfer,
    read: (response: Response) => Promise<T>
  ): Promise<T> {
    // Loaded on first use. If loading fails, the upload runs without progress.
    const send =
      onProgress && Xhr
        ? await import('./xhr-fetch.ts').then(
            ({ xhrFetch }) => xhrFetch(Xhr, onProgress),
            () => fetch
          )
        : fetch
    signal?.throwIfAborted()
    // Ends the request when nobody waits for it any more.
    const controller = new AbortController()
    // A deletion goes on when the user leaves the page. Other requests may be larger than `keepalive` allows.
    const init = {
      method,
      headers,
      body: body ?? null,
      keepalive: method === 'DELETE',
      signal: controller.signal
    }
    // Catches what the request rejects with. A missing function throws, and is no network error.
    return within(
      timeoutMs + Math.ceil(bytes / MIN_TRANSFER_RATE),
      (async () => read(await send(url, init).catch(failRequest)).catch(failRequest))(),
      networkError,
      signal
    ).catch((error) => {
      controller.abort(error)
      throw error
    })
  }

  // The cached token may have expired, or its signing key may have been rotated: retry once with a fresh
  // token.
  const callWithToken = (call: Call) =>
    attempt(call, 'on').catch((error) => {
      if (error.status !== 401 || error.code === 'no_token') throw error
      return attempt(call, 'off')
    })

  const withRetries = <T>(attempt: () => Promise<T>, signal: AbortSignal | undefined) =>
    retryRequest(attempt, clock, signal).catch((error) => {
      throw error instanceof StorageError || signal?.aborted ? error : browserFault(error)
    })

  return {
    call: <T>(call: Call) => withRetries(() => callWithToken(call), call.signal) as Promise<T>,
    transfer: (transfer, read) => withRetries(() => request(transfer, read), transfer.signal),
    once: request,
    withRetries
  }
}

/** The parsed body of an answer of the API; undefined for 204. Any other status than 2xx is a `StorageError`. */
export async function readJson<T>(response: Response): Promise<T> {
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
  // Not our API: for example a captive portal's login page, or an app's index.html.
  if (!body && status !== 204) {
    throw new StorageError(status, 'unexpected_answer', 'The response did not come from Harmony Helper.')
  }
  return body
}

function failSignedOut(cause?: unknown): never {
  throw new StorageError(401, 'no_token', 'You are signed out. Sign in and try again.', { cause })
}

function failRequest(cause: unknown): never {
  throw cause instanceof StorageError ? cause : networkError(cause)
}

export function networkError(cause?: unknown): StorageError {
  return new StorageError(
    0,
    'network_error',
    'The server cannot be reached. Check the connection and try again.',
    { cause }
  )
}
